package backup

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
	"unicode/utf8"
)

// Record is a key of the store, or a part of a large one: one line of JSON. Values by type: string: the value; hash: field,
// value, …; set and list: the members; zset: member, score, …. A stream has one record per entry, with its id.
type Record struct {
	Key     string   `json:"key"`
	Type    string   `json:"type"`
	ID      string   `json:"id,omitempty"`
	Values  []string `json:"values"`
	Expires int64    `json:"expires,omitempty"` // unix ms; 0: never
	Binary  bool     `json:"binary,omitempty"`  // the values are base64, because one of them is no text
}

// Writer writes records.
type Writer struct {
	encoder *json.Encoder
	Records int64
}

// NewWriter writes to w.
func NewWriter(w io.Writer) *Writer {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return &Writer{encoder: e}
}

// Write writes one record.
func (w *Writer) Write(r Record) error {
	for _, v := range r.Values {
		if !utf8.ValidString(v) {
			r.Binary = true
		}
	}
	if r.Binary {
		coded := make([]string, len(r.Values))
		for i, v := range r.Values {
			coded[i] = base64.StdEncoding.EncodeToString([]byte(v))
		}
		r.Values = coded
	}
	w.Records++
	return w.encoder.Encode(r)
}

// Read calls f with every record.
func Read(from io.Reader, f func(Record) error) error {
	decoder := json.NewDecoder(bufio.NewReaderSize(from, 1<<20))
	decoder.DisallowUnknownFields()
	for line := 1; ; line++ {
		var r Record
		err := decoder.Decode(&r)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil && r.Binary {
			for i, v := range r.Values {
				var text []byte
				if text, err = base64.StdEncoding.DecodeString(v); err != nil {
					break
				}
				r.Values[i] = string(text)
			}
		}
		if err == nil {
			err = f(r)
		}
		if err != nil {
			return fmt.Errorf("record %d: %w", line, err)
		}
	}
}

// expired reports whether the key is gone by now.
func (r Record) expired(now time.Time) bool { return r.Expires != 0 && r.Expires <= now.UnixMilli() }
