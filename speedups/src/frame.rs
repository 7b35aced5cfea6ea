//! Where frames begin and end: `length 4`, then `length` bytes (`NettyDecoder`).

const PREFIX: usize = 4;

/// Read a big-endian `i32`, `None` where fewer than four bytes are left.
pub fn int_at(data: &[u8], at: usize) -> Option<i32> {
    let bytes = data.get(at..at.checked_add(4)?)?;
    Some(i32::from_be_bytes(bytes.try_into().ok()?))
}

/// Return where the frame that begins at `position` ends.
///
/// `None` when it is not whole yet, or when its length is not one: the Python's reader knows what
/// to do about either.
pub fn end_of_frame(data: &[u8], position: usize, max_length: usize) -> Option<usize> {
    let length = usize::try_from(int_at(data, position)?).ok()?;
    if length < PREFIX || length > max_length {
        return None;
    }
    let end = position + PREFIX + length;
    (end <= data.len()).then_some(end)
}

/// Return what stands behind the length word of the frame from `position` to `end`.
pub fn content(data: &[u8], position: usize, end: usize) -> &[u8] {
    data.get(position + PREFIX..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_ends_behind_its_length() {
        let data = [0, 0, 0, 5, 1, 2, 3, 4, 5, 9];
        assert_eq!(end_of_frame(&data, 0, 100), Some(9));
        assert_eq!(content(&data, 0, 9), &[1, 2, 3, 4, 5]);
    }

    #[test]
    fn what_is_no_whole_frame_has_no_end() {
        assert_eq!(end_of_frame(&[0, 0, 0], 0, 100), None);
        assert_eq!(end_of_frame(&[0, 0, 0, 5, 1, 2, 3, 4], 0, 100), None);
        assert_eq!(end_of_frame(&[0, 0, 0, 3, 1, 2, 3], 0, 100), None);
        assert_eq!(end_of_frame(&[255, 255, 255, 255, 1], 0, 100), None);
        assert_eq!(end_of_frame(&[0, 0, 0, 5, 1, 2, 3, 4, 5], 0, 4), None);
        assert_eq!(end_of_frame(&[0, 0, 0, 5], 7, 100), None);
    }
}
