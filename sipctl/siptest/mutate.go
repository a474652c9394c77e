package siptest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
)

// Mutate breaks a message in one or a few ways, in the manner of PROTOS c07-sip: fields that are missing, twice or a hundred
// times, overlong, of wrong type, full of delimiters or control bytes; line ends that are none; bytes that are changed. The
// same source of chance gives the same message.
func Mutate(r *rand.Rand, message []byte) []byte {
	out := bytes.Clone(message)
	for range 1 + r.IntN(3) {
		out = mutations[r.IntN(len(mutations))](r, out)
	}
	return out[:min(len(out), 60_000)]
}

var mutations = []func(*rand.Rand, []byte) []byte{
	mutateLine, mutateLine, mutateLine, mutateToken, mutateToken, dropLine, repeatLine, mutateBytes, mutateLineEnds, cutOff, lieAboutLength, mutateStart,
}

// poison is what a field is replaced with.
func poison(r *rand.Rand) string {
	switch r.IntN(8) {
	case 0:
		return strings.Repeat("A", []int{16, 128, 513, 4096, 8193, 16_385}[r.IntN(6)])
	case 1:
		return []string{"%s%n%x%p", "%00", "%0d%0aX-Injected: 1", "../../etc/passwd", "${jndi:x}", "' OR 1=1 --"}[r.IntN(6)]
	case 2:
		return []string{"-1", "0", "2147483648", "4294967295", "4294967296", "9223372036854775808", "99999999999999999999999", "1e9", "NaN"}[r.IntN(9)]
	case 3:
		return strings.Repeat([]string{";", ",", "<", ">", "\"", ":", "@", "=", "&", "?", " ", "\t"}[r.IntN(12)], 1+r.IntN(300))
	case 4:
		return string([]byte{byte(r.IntN(32)), 0, 0x7f, byte(r.IntN(256))})
	case 5:
		return "\xc0\x80\xff\xfe\xed\xa0\x80"
	case 6:
		return []string{"<sip:>", "sip:@:", "<sip:a@b", "sip:a@[::1", "\"x <sip:a@b>", "<sip:a@b>;tag=", "<tel:+1;ext=2>", "sip:%ZZ@h", "sips:a@b;transport=", "*"}[r.IntN(10)]
	}
	return ""
}

func lines(message []byte) [][]byte { return bytes.SplitAfter(message, []byte("\n")) }

// mutateLine replaces the value of one header.
func mutateLine(r *rand.Rand, message []byte) []byte {
	all := lines(message)
	i := r.IntN(len(all))
	name, _, found := bytes.Cut(all[i], []byte(":"))
	if !found {
		return message
	}
	all[i] = []byte(fmt.Sprintf("%s: %s\r\n", name, poison(r)))
	return bytes.Join(all, nil)
}

// mutateToken replaces one part of one line.
func mutateToken(r *rand.Rand, message []byte) []byte {
	all := lines(message)
	i := r.IntN(len(all))
	tokens := bytes.FieldsFunc(all[i], func(c rune) bool { return strings.ContainsRune(" ;,:=<>@\"\r\n", c) })
	if len(tokens) == 0 {
		return message
	}
	all[i] = bytes.Replace(all[i], tokens[r.IntN(len(tokens))], []byte(poison(r)), 1)
	return bytes.Join(all, nil)
}

func dropLine(r *rand.Rand, message []byte) []byte {
	all := lines(message)
	i := r.IntN(len(all))
	return bytes.Join(append(all[:i:i], all[i+1:]...), nil)
}

func repeatLine(r *rand.Rand, message []byte) []byte {
	all := lines(message)
	i := r.IntN(len(all))
	all[i] = bytes.Repeat(all[i], []int{2, 3, 100, 500}[r.IntN(4)])
	return bytes.Join(all, nil)
}

func mutateBytes(r *rand.Rand, message []byte) []byte {
	out := bytes.Clone(message)
	for range 1 + r.IntN(4) {
		if len(out) == 0 {
			break
		}
		i := r.IntN(len(out))
		switch r.IntN(3) {
		case 0:
			out[i] = byte(r.IntN(256))
		case 1:
			out = append(out[:i], out[i+1:]...)
		case 2:
			out = append(out[:i:i], append([]byte{byte(r.IntN(256))}, out[i:]...)...)
		}
	}
	return out
}

func mutateLineEnds(r *rand.Rand, message []byte) []byte {
	end := [][]byte{[]byte("\n"), []byte("\r"), []byte("\r\r\n"), []byte("\r\n "), []byte("\n\n"), []byte("\r\n\x00")}[r.IntN(6)]
	if r.IntN(2) == 0 {
		return bytes.ReplaceAll(message, []byte("\r\n"), end)
	}
	all := lines(message)
	i := r.IntN(len(all))
	all[i] = bytes.Replace(all[i], []byte("\r\n"), end, 1)
	return bytes.Join(all, nil)
}

func cutOff(r *rand.Rand, message []byte) []byte {
	if len(message) == 0 {
		return message
	}
	return message[:r.IntN(len(message))]
}

func lieAboutLength(r *rand.Rand, message []byte) []byte {
	at := bytes.Index(message, []byte("Content-Length:"))
	if at < 0 {
		return message
	}
	end := bytes.IndexByte(message[at:], '\n')
	if end < 0 {
		return message
	}
	lie := []string{"-1", "1", "65535", "999999999", "4294967297", "0x10", "", " 5 5", "18446744073709551617"}[r.IntN(9)]
	return []byte(fmt.Sprintf("%sContent-Length: %s\r\n%s", message[:at], lie, message[at+end+1:]))
}

func mutateStart(r *rand.Rand, message []byte) []byte {
	_, rest, _ := bytes.Cut(message, []byte("\n"))
	start := []string{"INVITE", "INVITE  SIP/2.0", "SIP/2.0", "SIP/2.0 200", "SIP/2.0 999 x", "SIP/3.0 200 OK", "invite sip:a@b SIP/2.0", "ACK * SIP/2.0",
		"INVITE sip:" + strings.Repeat("9", 3000) + "@h SIP/2.0", "INVITE http://h/ SIP/2.0", "\x16\x03\x01\x02\x00", "GET / HTTP/1.1", poison(r)}[r.IntN(13)]
	return append([]byte(start+"\r\n"), rest...)
}
