//! secp256k1 (SEC 2, 2.4.1) by libsecp256k1: constant time, eight times as fast as AWS-LC there.
use crate::frame::Status;
use secp256k1::{All, Message, PublicKey, Secp256k1, SecretKey, ecdsa::Signature};
use std::sync::OnceLock;

fn context() -> &'static Secp256k1<All> {
    static CONTEXT: OnceLock<Secp256k1<All>> = OnceLock::new();
    CONTEXT.get_or_init(|| {
        let mut context = Secp256k1::new();
        let mut seed = [0u8; 32];
        super::random(&mut seed);
        context.seeded_randomize(&seed);
        context
    })
}

pub struct K256 {
    secret: Option<SecretKey>,
    public: PublicKey,
}

impl Drop for K256 {
    fn drop(&mut self) {
        if let Some(secret) = &mut self.secret {
            secret.non_secure_erase();
        }
    }
}

impl K256 {
    pub fn private(scalar: &[u8]) -> Result<Self, Status> {
        let bytes: [u8; 32] = scalar.try_into().map_err(|_| Status::BadInput)?;
        let secret = SecretKey::from_byte_array(bytes).map_err(|_| Status::BadInput)?;
        let public = PublicKey::from_secret_key(context(), &secret);
        Ok(Self { secret: Some(secret), public })
    }

    pub fn public(point: &[u8]) -> Result<Self, Status> {
        let public = PublicKey::from_slice(point).map_err(|_| Status::BadPeerKey)?;
        Ok(Self { secret: None, public })
    }

    /// ECDSA, RFC 6979 nonce with 32 fresh random bytes as extra entropy; DER.
    pub fn sign(&self, digest: &[u8], out: &mut [u8]) -> Result<usize, Status> {
        let secret = self.secret.as_ref().ok_or(Status::BadKey)?;
        let digest: [u8; 32] = digest.try_into().map_err(|_| Status::BadInput)?;
        let mut extra = [0u8; 32];
        super::random(&mut extra);
        let signature =
            context().sign_ecdsa_with_noncedata(Message::from_digest(digest), secret, &extra);
        let der = signature.serialize_der();
        out.get_mut(..der.len()).ok_or(Status::OutTooSmall)?.copy_from_slice(&der);
        Ok(der.len())
    }

    /// Accepts low and high S, as ECDSA (and AWS KMS) does; libsecp256k1 alone refuses high S.
    pub fn verify(&self, digest: &[u8], signature: &[u8]) -> Result<(), Status> {
        let digest: [u8; 32] = digest.try_into().map_err(|_| Status::BadInput)?;
        let mut signature = Signature::from_der(signature).map_err(|_| Status::InvalidSignature)?;
        signature.normalize_s();
        context()
            .verify_ecdsa(Message::from_digest(digest), &signature, &self.public)
            .map_err(|_| Status::InvalidSignature)
    }
}
