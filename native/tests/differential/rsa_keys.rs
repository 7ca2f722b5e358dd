//! RSA keys for the tests: eight of each size from the files of the class agreement test, extreme ones,
//! and fresh ones of AWS-LC's.
use crate::Class;
use crate::edge_keys;
use crate::lc::RawRsa;
use keystrel_native::ffi::{self, AsymmetricKey};
use keystrel_native::frame::spec;
use keystrel_native::rsa::LaneKey;
use keystrel_native::rsa::lane_key::{PrivateLanes, PublicLanes};
use std::sync::OnceLock;

/// A private key: in AWS-LC, in the crate, and as the kernels want it.
pub struct Key {
    pub raw: RawRsa,
    pub key: AsymmetricKey,
    lanes: [Option<LaneKey>; 3],
}

impl Key {
    fn new(spec: u16, pkcs8: &[u8]) -> Self {
        let key = AsymmetricKey::from_pkcs8(spec, pkcs8).expect("a private key");
        let lanes = [Class::Ifma, Class::Avx2, Class::Portable].map(|class| {
            class.rsa().is_available().then(|| LaneKey::for_kernel(&key, class.rsa()))
        });
        Self { raw: RawRsa::from_pkcs8(pkcs8), key, lanes }
    }

    pub fn lanes(&self, class: Class) -> &LaneKey {
        self.lanes[class as usize].as_ref().expect("the CPU has the class")
    }

    pub fn private(&self, class: Class) -> &PrivateLanes {
        match self.lanes(class) {
            LaneKey::Private(key) => key,
            _ => panic!("a kernel serves the key"),
        }
    }

    pub fn public(&self, class: Class) -> &PublicLanes {
        &self.private(class).public
    }
}

/// Keys of a size in bits.
pub fn keys(bits: usize) -> &'static [Key] {
    static KEYS: [OnceLock<Vec<Key>>; 3] = [const { OnceLock::new() }; 3];
    let index = (bits - 2048) / 1024;
    let spec = spec::RSA_2048 + index as u16;
    KEYS[index].get_or_init(|| {
        let mut rest: &[u8] = [
            include_bytes!("../class_agreement/keys/rsa_2048.der").as_slice(),
            include_bytes!("../class_agreement/keys/rsa_3072.der"),
            include_bytes!("../class_agreement/keys/rsa_4096.der"),
        ][index];
        let mut keys = Vec::new();
        // 30 82 and the length in two bytes.
        while let [0x30, 0x82, high, low, ..] = rest {
            let (one, behind) = rest.split_at(4 + 256 * usize::from(*high) + usize::from(*low));
            keys.push(Key::new(spec, one));
            rest = behind;
        }
        keys.extend(edge_keys::all(bits).iter().map(|der| Key::new(spec, der)));
        for _ in 0..[6, 1, 0][index] {
            let made = ffi::generate_rsa(bits as i32).expect("a key");
            keys.push(Key::new(spec, &made.pkcs8));
        }
        keys
    })
}
