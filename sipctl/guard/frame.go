package guard

import "bytes"

// framer finds the end of the message that begins a stream's buffer. It is called again when more has arrived.
type framer struct {
	lines scanner
	size  int // of the whole message; 0 until its header section is complete
}

// frame returns the size of the message when b holds all of it, 0 when more must be read, or why the stream is cut off.
func (f *framer) frame(b []byte) (size int, r Reason) {
	if f.size == 0 {
		switch r := f.measure(b); {
		case r == NoHeaderEnd && len(b) < MaxMessage:
			return 0, Passed
		case r == NoHeaderEnd:
			return 0, TooLong
		case r != Passed:
			return 0, r
		}
	}
	if len(b) < f.size {
		return 0, Passed
	}
	return f.size, Passed
}

// measure reads the header section and sets the size.
func (f *framer) measure(b []byte) Reason {
	if !tokenChar[b[0]] {
		return NotSIP
	}
	body, r := f.lines.scan(b)
	if r != Passed {
		return r
	}
	length, ok := contentLength(b[:body])
	switch {
	case !ok:
		return BadLength
	case body+length > MaxMessage:
		return TooLong
	case body < MinMessage:
		return TooShort
	}
	f.size = body + length
	return Passed
}

// contentLength returns the one Content-Length of a checked header section. On a stream it must be there (RFC 3261 §18.3);
// where it is there twice, or continued on a second line, two readers could find two ends.
func contentLength(section []byte) (length int, ok bool) {
	previous := false // the line before was a Content-Length
	for line := range bytes.SplitSeq(section, []byte("\r\n")) {
		if len(line) > 0 && isContinuation(line) {
			if previous {
				return 0, false
			}
			continue
		}
		name := headerName(line)
		previous = len(name) == 1 && name[0]|0x20 == 'l' || len(name) == 14 && equalFold(name, "CONTENT-LENGTH")
		if !previous {
			continue
		}
		value, isNumber := number(line[bytes.IndexByte(line, ':')+1:])
		if ok || !isNumber {
			return 0, false
		}
		length, ok = value, true
	}
	return length, ok
}

// number reads one to five digits with spaces around them.
func number(text []byte) (n int, ok bool) {
	text = bytes.Trim(text, " \t")
	if len(text) == 0 || len(text) > 5 {
		return 0, false
	}
	for _, c := range text {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}
