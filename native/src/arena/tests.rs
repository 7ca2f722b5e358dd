//! Handles: freed once, stale afterwards, bounded in number. Bodies: wiped, locked, shared safely.
use super::*;

fn key(byte: u8) -> KeyBody {
    KeyBody::Secret(SecretKey::load(spec::HMAC_256, &[byte; 32]).expect("a good secret"))
}

#[test]
fn a_key_is_freed_once_and_its_handle_is_stale_afterwards() {
    let first = insert(key(1)).expect("room");
    assert!(get(first.slot, first.generation).is_ok());
    assert!(free(first.slot, first.generation));
    assert!(!free(first.slot, first.generation));
    assert!(get(first.slot, first.generation).is_err());
    // Whoever gets the slot next has another generation.
    let next = insert(key(2)).expect("room");
    assert_ne!((first.slot, first.generation), (next.slot, next.generation));
    assert!(!free(first.slot, first.generation));
    assert!(get(next.slot, next.generation).is_ok());
    assert!(free(next.slot, next.generation));
}

#[test]
fn handles_that_never_were_are_refused() {
    for (slot, generation) in [(0, 0), (u32::MAX, 1), (SLOTS_MAX as u32, 1), (5, u32::MAX)] {
        assert!(matches!(get(slot, generation), Err(Status::BadKey)));
        assert!(!free(slot, generation));
    }
}

#[test]
fn kinds_of_keys_are_kept_apart() {
    let mac = key(3);
    assert!(mac.mac_key().is_ok());
    assert!(matches!(mac.encryption_key(), Err(Status::BadKey)));
    assert!(matches!(mac.asymmetric(), Err(Status::BadKey)));
}

#[test]
fn a_key_freed_in_use_lives_until_its_last_use_ends() {
    let handle = insert(key(4)).expect("room");
    let body = get(handle.slot, handle.generation).expect("loaded");
    assert!(free(handle.slot, handle.generation));
    assert_eq!(body.mac_key().expect("an HMAC key").bytes(), &[4; 32]);
}

#[test]
fn a_cell_is_wiped_when_its_key_goes() {
    struct Probe([u8; 64]);
    impl Default for Probe {
        fn default() -> Self {
            Probe([0; 64])
        }
    }
    let cell = LockedBox::new_with(|probe: &mut Probe| probe.0.fill(0xa5)).expect("memory");
    let at = std::ptr::from_ref::<Probe>(&cell);
    // SAFETY: the cell stays mapped after the box is dropped; whoever reuses it writes a valid
    // value there, and this test compares with the one value that it wrote itself.
    let before = unsafe { at.cast::<[u8; 64]>().read_volatile() };
    assert_eq!(before, [0xa5; 64]);
    drop(cell);
    let after = unsafe { at.cast::<[u8; 64]>().read_volatile() };
    assert_ne!(after, [0xa5; 64]);
}
