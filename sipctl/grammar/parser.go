package grammar

import (
	"fmt"
	"maps"
	"reflect"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// NewParser returns the library's parser with our grammar in it.
func NewParser() *sip.Parser {
	parsers := maps.Clone(sip.DefaultHeadersParser())
	strict := map[string]sip.HeaderParser{
		"From":           parseFrom,
		"To":             parseTo,
		"Contact":        parseContact,
		"CSeq":           parseCSeq,
		"Call-ID":        parseCallID,
		"Max-Forwards":   parseMaxForwards,
		"Content-Length": parsers["content-length"],
		"Content-Type":   parsers["content-type"],
		"Via":            parseVia,
		"Route":          parsers["route"],
		"Record-Route":   parsers["record-route"],
	}
	delete(parsers, "refer-to") // text is all that we need of them
	delete(parsers, "referred-by")
	for name, parse := range strict {
		parsers[strings.ToLower(name)] = orGeneric(name, parse)
	}
	for _, c := range compact {
		if parse, ok := parsers[strings.ToLower(c.long)]; ok {
			parsers[string(c.letter)] = parse
		} else {
			parsers[string(c.letter)] = generic(c.long)
		}
	}
	return sip.NewParser(sip.WithHeadersParsers(parsers))
}

// generic makes a header of the text, under its long name.
func generic(name string) sip.HeaderParser {
	return func(_ []byte, text string) (sip.Header, error) { return sip.NewHeader(name, text), nil }
}

// orGeneric keeps a header that does not parse as text: the message can then be refused, rather than lost.
func orGeneric(name string, parse sip.HeaderParser) sip.HeaderParser {
	return func(field []byte, text string) (sip.Header, error) {
		if HasControl(text) {
			return sip.NewHeader(name, text), nil
		}
		h, err := parse(field, text)
		if err != nil && !isComma(err) {
			return sip.NewHeader(name, text), nil
		}
		return h, err
	}
}

// commaError is the type of the error by which a parser tells the library that more values follow a comma.
var commaError = func() reflect.Type {
	_, err := sip.DefaultHeadersParser()["via"](nil, "SIP/2.0/UDP a;branch=1,SIP/2.0/UDP b;branch=2")
	return reflect.TypeOf(err)
}()

func isComma(err error) bool { return err != nil && reflect.TypeOf(err) == commaError }

// more says that a comma follows: text was read but for rest, which is empty or begins with it.
func more(text, rest string) error {
	if rest == "" {
		return nil
	}
	return reflect.ValueOf(len(text) - len(rest)).Convert(commaError).Interface().(error)
}

func parseFrom(_ []byte, text string) (sip.Header, error) {
	h := new(sip.FromHeader)
	return h, parseOne(text, &h.DisplayName, &h.Address, &h.Params)
}

func parseTo(_ []byte, text string) (sip.Header, error) {
	h := new(sip.ToHeader)
	return h, parseOne(text, &h.DisplayName, &h.Address, &h.Params)
}

func parseContact(_ []byte, text string) (sip.Header, error) {
	if strings.Trim(text, " \t") == "*" {
		return &sip.ContactHeader{Address: sip.Uri{Host: "*", Wildcard: true}}, nil
	}
	h := new(sip.ContactHeader)
	rest, err := scanAddress(text, &h.DisplayName, &h.Address, &h.Params)
	if err != nil {
		return nil, err
	}
	return h, more(text, rest)
}

// parseCSeq reads 1*DIGIT LWS Method; the number is below 2**31 (RFC 3261 §8.1.1.5).
func parseCSeq(_ []byte, text string) (sip.Header, error) {
	text = strings.Trim(text, " \t")
	i := strings.IndexAny(text, " \t")
	if i < 0 {
		return nil, fmt.Errorf("malformed CSeq")
	}
	n, err := strconv.ParseUint(text[:i], 10, 31)
	method := strings.TrimLeft(text[i:], " \t")
	if err != nil || !IsToken(method) {
		return nil, fmt.Errorf("malformed CSeq")
	}
	return &sip.CSeqHeader{SeqNo: uint32(n), MethodName: sip.RequestMethod(method)}, nil
}

func parseCallID(_ []byte, text string) (sip.Header, error) {
	if !IsCallID(text) {
		return nil, fmt.Errorf("malformed Call-ID")
	}
	id := sip.CallIDHeader(text)
	return &id, nil
}

// parseMaxForwards reads 0 to 255 (RFC 3261 §20.22).
func parseMaxForwards(_ []byte, text string) (sip.Header, error) {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil || n > 255 {
		return nil, fmt.Errorf("malformed Max-Forwards")
	}
	hops := sip.MaxForwardsHeader(n)
	return &hops, nil
}
