//! Public keys as DER: well-formed, and nobody has their private halves.

/// A `SubjectPublicKeyInfo` with this modulus and the usual exponent.
pub(super) fn rsa_public_key(modulus: &[u8]) -> Vec<u8> {
    const RSA_ENCRYPTION: &[u8] = &[
        0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
    ];
    const EXPONENT: &[u8] = &[0x02, 0x03, 0x01, 0x00, 0x01];
    // The leading zero keeps the number positive, the lowest bit odd.
    let mut number = [&[0], modulus].concat();
    if let Some(first) = number.get_mut(1) {
        *first |= 0x80;
    }
    if let Some(last) = number.last_mut() {
        *last |= 1;
    }
    let key = element(0x30, &[element(0x02, &number), EXPONENT.to_vec()].concat());
    let bits = element(0x03, &[&[0], key.as_slice()].concat());
    element(0x30, &[RSA_ENCRYPTION, bits.as_slice()].concat())
}

/// A `SubjectPublicKeyInfo` with an uncompressed point, which need not lie on the curve.
pub(super) fn ec_public_key(curve: &[u8], point: &[u8]) -> Vec<u8> {
    const EC_PUBLIC_KEY: &[u8] = &[0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
    let algorithm = element(0x30, &[EC_PUBLIC_KEY, &element(0x06, curve)].concat());
    let bits = element(0x03, &[&[0, 4], point].concat());
    element(0x30, &[algorithm, bits].concat())
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    // Nothing here is longer than the two bytes of the last form can say.
    let length = u16::try_from(content.len()).unwrap_or(u16::MAX);
    let [high, low] = length.to_be_bytes();
    let head = match (high, low) {
        (0, 0..0x80) => vec![tag, low],
        (0, _) => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    [head.as_slice(), content].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_keys_are_as_long_as_real_ones() {
        // `openssl … -pubout -outform DER` gives these lengths.
        assert_eq!(rsa_public_key(&[7; 256]).len(), 294);
        assert_eq!(rsa_public_key(&[7; 512]).len(), 550);
        let p256 = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
        assert_eq!(ec_public_key(p256, &[7; 64]).len(), 91);
        let p521 = &[0x2b, 0x81, 0x04, 0x00, 0x23];
        assert_eq!(ec_public_key(p521, &[7; 132]).len(), 158);
    }
}
