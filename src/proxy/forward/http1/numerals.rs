//! Numbers as HTTP/1.1 writes and reads them, without the formatting machinery.

/// The most digits of a `u64`.
const MOST: usize = 20;

/// Appends a number.
pub(in crate::proxy::forward) fn write_decimal(mut number: u64, out: &mut Vec<u8>) {
    let (mut digits, mut at) = ([0; MOST], MOST);
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return out.extend_from_slice(&digits[at..]);
        }
    }
}

/// Appends a number in hexadecimal digits.
pub(super) fn write_hexadecimal(mut number: u64, out: &mut Vec<u8>) {
    let (mut digits, mut at) = ([0; 16], 16);
    loop {
        at -= 1;
        digits[at] = b"0123456789abcdef"[(number & 0xf) as usize];
        number >>= 4;
        if number == 0 {
            return out.extend_from_slice(&digits[at..]);
        }
    }
}

/// Reads what is digits and nothing else.
pub(super) fn read_decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > MOST {
        return None;
    }
    text.iter().try_fold(0_u64, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_everybody_writes_them() {
        for number in [0, 7, 9, 10, 15, 16, 99, 100, 65_535, 65_536, u64::from(u32::MAX), u64::MAX - 1, u64::MAX] {
            let (mut decimal, mut hexadecimal) = (b"x".to_vec(), b"x".to_vec());
            write_decimal(number, &mut decimal);
            write_hexadecimal(number, &mut hexadecimal);
            assert_eq!((decimal, hexadecimal), (format!("x{number}").into_bytes(), format!("x{number:x}").into_bytes()));
            assert_eq!(read_decimal(number.to_string().as_bytes()), Some(number));
        }
    }

    #[test]
    fn digits_and_nothing_else_are_a_number() {
        for (text, number) in [("0", Some(0)), ("007", Some(7)), ("18446744073709551615", Some(u64::MAX))] {
            assert_eq!(read_decimal(text.as_bytes()), number, "{text}");
        }
        for text in ["", " 1", "1 ", "+1", "-1", "0x1", "1,1", "1.0", "\u{661}", "18446744073709551616", "000000000000000000001"] {
            assert_eq!(read_decimal(text.as_bytes()), None, "{text}");
        }
    }
}
