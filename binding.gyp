{
  # npm's standard install hook builds the addon through this: one action that runs the crate's build.
  "targets": [
    {
      "target_name": "keystrel_native",
      "type": "none",
      "actions": [
        {
          "action_name": "cargo",
          "inputs": ["native/Cargo.toml"],
          "outputs": ["<(PRODUCT_DIR)/keystrel-native.stamp"],
          "action": ["node", "scripts/build-native.mjs"]
        }
      ]
    }
  ]
}
