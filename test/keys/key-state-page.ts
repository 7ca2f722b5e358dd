/** AWS's page "Key states", for the tests that hold the product against it. */

/** Columns of the page; pending deletion stands for both kinds of it. */
export const COLUMNS = [
  'Enabled',
  'Disabled',
  'PendingDeletion',
  'PendingImport',
  'Unavailable',
  'Creating',
  'Updating',
] as const;

/** `-` works, a number is the note whose error is answered, `?n` the same for some keys only. */
const PAGE = `
CancelKeyDeletion                    4  4  -  4  4  4  4
CreateAlias                          -  -  3  -  -  -  -
CreateGrant                          -  1  3  5  -  14 -
Decapsulate                          -  1  3  5  11 14 -
Decrypt                              -  1  3  5  11 14 -
DeleteAlias                          -  -  -  -  -  -  -
DeleteImportedKeyMaterial            ?9 ?9 ?9 -  ?9 14 15
DeriveSharedSecret                   -  1  3  5  11 14 -
DescribeKey                          -  -  -  -  -  -  -
DisableKey                           -  -  3  5  -  14 15
DisableKeyRotation                   ?7 1  3  6  7  14 ?7
EnableKey                            -  -  3  5  -  14 15
EnableKeyRotation                    ?7 1  3  6  7  14 ?7
Encapsulate                          -  1  3  5  11 14 -
Encrypt                              -  1  3  5  11 14 -
GenerateDataKey                      -  1  3  5  11 14 -
GenerateDataKeyPair                  -  1  3  5  7  14 -
GenerateDataKeyPairWithoutPlaintext  -  1  3  5  7  14 -
GenerateDataKeyWithoutPlaintext      -  1  3  5  11 14 -
GenerateMac                          -  1  3  5  11 14 -
GetKeyLastUsage                      -  -  -  -  -  -  -
GetKeyPolicy                         -  -  -  -  -  -  -
GetKeyRotationStatus                 ?7 ?7 ?7 6  7  ?7 ?7
GetParametersForImport               ?9 ?9 ?9 -  ?9 14 15
GetPublicKey                         -  -  3  -  11 14 -
ImportKeyMaterial                    ?9 ?9 ?9 -  ?9 14 -
ListAliases                          -  -  -  -  -  -  -
ListGrants                           -  -  -  -  -  -  -
ListKeyPolicies                      -  -  -  -  -  -  -
ListKeyRotations                     ?7 ?7 ?7 -  7  ?7 ?7
ListResourceTags                     -  -  -  -  -  -  -
PutKeyPolicy                         -  -  -  -  -  -  -
ReEncrypt                            -  1  3  5  11 14 -
ReplicateKey                         -  1  3  5  11 14 15
RetireGrant                          -  -  -  -  -  -  -
RevokeGrant                          -  -  -  -  -  -  -
RotateKeyOnDemand                    ?7 1  3  5  7  14 ?7
ScheduleKeyDeletion                  -  -  3  -  -  -  15
Sign                                 -  1  3  5  11 14 -
TagResource                          -  -  3  -  -  -  -
UntagResource                        -  -  3  -  -  -  -
UpdateAlias                          -  -  3  -  -  -  -
UpdateKeyDescription                 -  -  3  -  -  -  -
UpdatePrimaryRegion                  -  1  3  5  11 14 -
Verify                               -  1  3  5  11 14 -
VerifyMac                            -  1  3  5  11 14 -`;

export const PAGE_ROWS = PAGE.trim()
  .split('\n')
  .map((line) => line.split(/\s+/))
  .map(([operation, ...cells]) => ({ operation: operation!, cells }));
