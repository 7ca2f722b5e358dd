//! The CPU, probed once, and the class of kernels that runs on it.
use std::sync::OnceLock;

/// Which kernels run. `KEYSTREL_CPU=ifma|avx2|generic` forces one that the CPU has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// AVX-512 IFMA.
    Ifma,
    /// AVX2 + FMA.
    Avx2,
    /// AWS-LC alone.
    Generic,
}

impl Class {
    pub fn name(self) -> &'static str {
        match self {
            Class::Ifma => "ifma",
            Class::Avx2 => "avx2",
            Class::Generic => "generic",
        }
    }
}

/// The best class that the CPU has.
pub fn best() -> Class {
    #[cfg(target_arch = "x86_64")]
    {
        let common = is_x86_feature_detected!("aes")
            && is_x86_feature_detected!("pclmulqdq")
            && is_x86_feature_detected!("ssse3")
            && is_x86_feature_detected!("sse4.1");
        if common
            && is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512ifma")
        {
            return Class::Ifma;
        }
        if common && is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            return Class::Avx2;
        }
    }
    Class::Generic
}

/// True where the CPU has SHA extensions.
pub fn has_sha() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        is_x86_feature_detected!("sha")
            && is_x86_feature_detected!("ssse3")
            && is_x86_feature_detected!("sse4.1")
    }
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// The class in force, and the reason where it is not the best one.
pub fn class() -> (Class, Option<String>) {
    static CLASS: OnceLock<(Class, Option<String>)> = OnceLock::new();
    CLASS.get_or_init(|| choose(std::env::var("KEYSTREL_CPU").ok().as_deref(), best())).clone()
}

fn choose(wanted: Option<&str>, best: Class) -> (Class, Option<String>) {
    let forced = |class: Class| (class, Some(format!("KEYSTREL_CPU={}", class.name())));
    match wanted {
        None | Some("" | "auto") => (best, None),
        Some("generic") => forced(Class::Generic),
        Some("avx2") if best != Class::Generic => forced(Class::Avx2),
        Some("ifma") if best == Class::Ifma => forced(Class::Ifma),
        Some(other) => {
            (best, Some(format!("KEYSTREL_CPU={other} is not possible on this CPU; ignored")))
        }
    }
}

/// The CPU's name, as it gives it.
pub fn brand() -> String {
    // Miri has no cpuid.
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        use core::arch::x86_64::__cpuid;
        if __cpuid(0x8000_0000).eax >= 0x8000_0004 {
            let mut text = Vec::with_capacity(48);
            for leaf in 0x8000_0002..=0x8000_0004 {
                let r = __cpuid(leaf);
                for word in [r.eax, r.ebx, r.ecx, r.edx] {
                    text.extend_from_slice(&word.to_le_bytes());
                }
            }
            return String::from_utf8_lossy(&text).trim_matches(['\0', ' ']).to_owned();
        }
    }
    std::env::consts::ARCH.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_is_forced_only_where_the_cpu_has_it() {
        assert_eq!(choose(None, Class::Ifma), (Class::Ifma, None));
        assert_eq!(choose(Some("avx2"), Class::Ifma).0, Class::Avx2);
        assert_eq!(choose(Some("generic"), Class::Avx2).0, Class::Generic);
        assert_eq!(choose(Some("ifma"), Class::Avx2).0, Class::Avx2);
        assert!(choose(Some("ifma"), Class::Avx2).1.is_some_and(|r| r.contains("not possible")));
        assert_eq!(choose(Some("avx2"), Class::Generic).0, Class::Generic);
    }
}
