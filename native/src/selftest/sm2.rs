//! Known answers of SM2: the examples of GM/T 0003.5-2012 (annexes A and C) over its recommended
//! curve, and a shared secret of OpenSSL. They run as frames, the way every job does.
use super::hex;
use crate::arena::{self, Handle, KeyBody};
use crate::frame::{Status, alg, form, op, run_single_with};
use crate::sm2::Sm2Key;

pub(super) const PKCS8: &str = "\
308187020100301306072a8648ce3d020106082a811ccf5501822d046d306b0201010420\
3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8a144034200\
0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020\
ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13";
/// "message digest".
const MESSAGE: &str = "6d65737361676520646967657374";
const DIGEST: &str = "f0b43e94ba45accaace692ed534382eb17e6ab5a19ce7b31f4486fdfc0d28640";
pub(super) const SIGNATURE: &str = "\
3046\
022100f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3\
022100b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa";
/// "encryption standard".
const PLAINTEXT: &str = "656e6372797074696f6e207374616e64617264";
pub(super) const CIPHERTEXT: &str = "\
307c\
022004ebfc718e8d1798620432268e77feb6415e2ede0e073c0f4f640ecd2e149a73\
022100e858f9d81e5430a57b36daab8f950a3c64e6ee6a63094d99283aff767e124df0\
042059983c18f809e262923c53aec295d30383b54e39d609d160afcb1908d0bd8766\
041321886ca989ca9c7d58087307ca93092d651efa";
const PEER: &str = "\
3059301306072a8648ce3d020106082a811ccf5501822d034200\
046ae848c57c53c7b1b5fa99eb2286af078ba64c64591b8b566f7357d576f16dfb\
ee489d771621a27b36c5c7992062e9cd09a9264386f3fbea54dff69305621c4d";
pub(super) const SHARED: &str = "217fcd6b00e7c5b7b6daad9c8c188df0557af0c93801fa788c6be24fd94562a9";

/// Bytes of the longest output.
const OUT_MAX: usize = 256;

type Ran = Result<Vec<u8>, u32>;
type Outcome = Result<bool, Status>;

/// Puts the key into the arena for as long as `test` runs.
fn in_frame(test: impl FnOnce(&dyn Fn(u16, u16, u32, [&[u8]; 2]) -> Ran) -> bool) -> Outcome {
    let Handle { slot, generation } =
        arena::insert(KeyBody::Sm2(Sm2Key::from_pkcs8(&hex(PKCS8))?))?;
    let passed = test(&|op, alg, param, [first, second]| {
        let handle = Handle { slot, generation };
        run_single_with(op, alg, param, handle, [first, second, &[]], OUT_MAX)
    });
    arena::free(slot, generation);
    Ok(passed)
}

/// Message and digest are signed and verified, each for the other.
pub(super) fn signature(answer: &str) -> Outcome {
    let (message, digest, answer) = (hex(MESSAGE), hex(DIGEST), hex(answer));
    let mut other = message.clone();
    other[0] ^= 1;
    in_frame(|run| {
        let verified = |form, input: &[u8], signature: &[u8]| {
            run(op::VERIFY, alg::SM2DSA, form, [input, signature])
        };
        let own = [(form::MESSAGE, &message), (form::DIGEST, &digest)]
            .map(|(form, input)| run(op::SIGN, alg::SM2DSA, form, [input, &[]]));
        let [Ok(of_message), Ok(of_digest)] = own else { return false };
        verified(form::MESSAGE, &message, &answer) == Ok(Vec::new())
            && verified(form::DIGEST, &digest, &answer) == Ok(Vec::new())
            && verified(form::DIGEST, &digest, &of_message) == Ok(Vec::new())
            && verified(form::MESSAGE, &message, &of_digest) == Ok(Vec::new())
            && verified(form::MESSAGE, &other, &answer) == Err(Status::InvalidSignature as u32)
    })
}

pub(super) fn encryption(answer: &str) -> Outcome {
    let (plaintext, ciphertext) = (hex(PLAINTEXT), hex(answer));
    let mut spoilt = ciphertext.clone();
    spoilt[ciphertext.len() - 1] ^= 1;
    in_frame(|run| {
        let opened = |input: &[u8]| run(op::RSA_DECRYPT, alg::SM2PKE, 0, [input, &[]]);
        let Ok(own) = run(op::RSA_ENCRYPT, alg::SM2PKE, 0, [&plaintext, &[]]) else {
            return false;
        };
        opened(&ciphertext) == Ok(plaintext.clone())
            && opened(&own) == Ok(plaintext.clone())
            && opened(&spoilt) == Err(Status::InvalidCiphertext as u32)
    })
}

pub(super) fn agreement(answer: &str) -> Outcome {
    in_frame(|run| run(op::ECDH, alg::NONE, 0, [&hex(PEER), &[]]) == Ok(hex(answer)))
}
