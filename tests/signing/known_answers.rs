//! Verification is strict: what RFC 8032 signs is accepted, and every published case of a loose verifier is refused.

#![cfg(feature = "plugin-signing")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::support::{Scratch, repository};
use conductor::internals::package::signing::{KeyFileError, PrivateKey, SigningKey as _};
use conductor::internals::package::{KeyError, PublicKey};

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<_> = hex.chars().map(|digit| digit.to_digit(16).expect("a digit") as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn signature(hex: &str) -> [u8; 64] {
    bytes(hex).try_into().expect("64 bytes")
}

/// RFC 8032, section 7.1: seed, public key, message, signature.
const RFC_8032: &[[&str; 4]] = &[
    [
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ],
    [
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ],
    [
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ],
    [
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
    ],
];

#[test]
fn the_vectors_of_rfc_8032_are_signed_and_verified() {
    for [seed, public, message, expected] in RFC_8032 {
        let scratch = Scratch::new();
        let file = scratch.file("key.private", bytes(seed));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        let key = PrivateKey::read(&scratch.path().join("key"), |_| -> Result<_, KeyFileError> { unreachable!() });
        let key = key.expect("a key file of 32 bytes");
        assert_eq!(key.public_key().to_string(), *public);
        assert_eq!(key.sign(&bytes(message)).unwrap(), signature(expected));
        let public = PublicKey::parse(public).unwrap();
        assert!(public.verify(&bytes(message), &signature(expected)));
        assert!(!public.verify(b"another message", &signature(expected)));
    }
}

/// "Taming the Many `EdDSAs`" (Chalkias, Garillot, Nikolaenko 2020): message, public key, signature. Verifiers in use
/// disagree about each of these; a strict one accepts none.
const SPECCHECK: &[[&str; 3]] = &[
    [
        // 0: small A and R, S = 0
        "8c93255d71dcab10e8f379c26200f3c7bd5f09d9bc3068d3ef4edeb4853022b6",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a0000000000000000000000000000000000000000000000000000000000000000",
    ],
    [
        // 1: small A, mixed R
        "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
    ],
    [
        // 2: mixed A, small R
        "aebf3f2601a0c8c5d39cc7d8911642f740b78168218da8471772b35f9d35b9ab",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa8c4bd45aecaca5b24fb97bc10ac27ac8751a7dfe1baff8b953ec9f5833ca260e",
    ],
    [
        // 3: mixed A and R, satisfies both equations
        "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        "9046a64750444938de19f227bb80485e92b83fdb4b6506c160484c016cc1852f87909e14428a7a1d62e9f22f3d3ad7802db02eb2e688b6c52fcd6648a98bd009",
    ],
    [
        // 4: mixed A and R, satisfies only the cofactored equation
        "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        "160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed5125ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09",
    ],
    [
        // 5: mixed A, satisfies the cofactored equation when the scalar is not reduced first
        "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        "21122a84e0b5fca4052f5b1235c80a537878b38f3142356b2c2384ebad4668b7e40bc836dac0f71076f9abe3a53f9c03c1ceeeddb658d0030494ace586687405",
    ],
    [
        // 6: S above the group order
        "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
        "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
        "e96f66be976d82e60150baecff9906684aebb1ef181f67a7189ac78ea23b6c0e547f7690a0e2ddcd04d87dbc3490dc19b3b3052f7ff0538cb68afb369ba3a514",
    ],
    [
        // 7: S far above the group order
        "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
        "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
        "8ce5b96c8f26d0ab6c47958c9e68b937104cd36e13c33566acd2fe8d38aa19427e71f98a473474f2f13f06f97c20d58cc3f54b8bd0d272f42b695dd7e89a8c22",
    ],
    [
        // 8: R not canonical, reduced before hashing
        "9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff03be9678ac102edcd92b0210bb34d7428d12ffc5df5f37e359941266a4e35f0f",
    ],
    [
        // 9: R not canonical, hashed as it is
        "9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffca8c5b64cd208982aa38d4936621a4775aa233aa0505711d8fdcfdaa943d4908",
    ],
    [
        // 10: A not canonical, reduced before hashing
        "e96b7021eb39c1a163b6da4e3093dcd3f21387da4cc4572be588fafae23c155b",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dca5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
    ],
    [
        // 11: A not canonical, hashed as it is
        "39a591f5321bbe07fd5a23dc2f39d025d74526615746727ceefd6e82ae65c06f",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dca5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
    ],
];

#[test]
fn no_published_case_of_a_loose_verifier_is_accepted() {
    for (number, [message, public, value]) in SPECCHECK.iter().enumerate() {
        let accepted = PublicKey::parse(public).is_ok_and(|key| key.verify(&bytes(message), &signature(value)));
        assert!(!accepted, "case {number}");
    }
}

/// All encodings, canonical and not, of the eight points of small order (the same paper, table 6).
const SMALL_ORDER: &[&str] = &[
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

#[test]
fn no_point_of_small_order_is_a_key_or_part_of_a_signature() {
    let [_, public, message, good] = RFC_8032[1];
    let key = PublicKey::parse(public).unwrap();
    for small in SMALL_ORDER {
        assert!(PublicKey::parse(small).is_err(), "{small}");
        let mut signature = signature(good);
        signature[..32].copy_from_slice(&bytes(small));
        assert!(!key.verify(&bytes(message), &signature), "{small}");
        signature[32..].fill(0);
        assert!(!key.verify(&bytes(message), &signature), "{small}");
    }
}

#[test]
fn a_key_with_a_small_order_part_is_weak() {
    for mixed in [
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
    ] {
        assert_eq!(PublicKey::parse(mixed), Err(KeyError::Weak), "{mixed}");
    }
}

#[test]
fn s_has_one_spelling() {
    // The group order L, little-endian: S + L solves the same equation.
    let order = bytes("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    for [_, public, message, good] in RFC_8032 {
        let mut signature = signature(good);
        let mut carry = 0_u16;
        for (byte, add) in signature[32..].iter_mut().zip(&order) {
            let sum = u16::from(*byte) + u16::from(*add) + carry;
            (*byte, carry) = (sum.to_le_bytes()[0], sum >> 8);
        }
        assert_eq!(carry, 0);
        assert!(!PublicKey::parse(public).unwrap().verify(&bytes(message), &signature));
    }
}

#[test]
fn keys_are_read_in_either_case_and_written_in_the_lower_one() {
    let [_, public, ..] = RFC_8032[0];
    assert_eq!(PublicKey::parse(&public.to_uppercase()).unwrap().to_string(), public);
}

#[test]
fn the_test_keys_are_what_another_implementation_makes_of_them() {
    let workshop = crate::support::signing::Workshop::new();
    for name in ["ada", "bob", "eve"] {
        let public = fs::read_to_string(repository(&format!("fixtures/keys/{name}.public"))).unwrap();
        assert_eq!(workshop.key(name).public_key().to_string(), public, "{name}");
    }
}

#[test]
fn no_honest_signature_is_refused() {
    for round in 0..64 {
        let key = PrivateKey::generate().expect("a key");
        let message = [round; 32];
        assert!(key.public_key().verify(&message, &key.sign(&message).unwrap()));
        assert_eq!(PublicKey::from_bytes(*key.public_key().as_bytes()), Ok(key.public_key()));
    }
}
