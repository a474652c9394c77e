package admin_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Who sends a body that nobody reads gets an answer all the same, however slowly it comes, and holds no connection for good.
func TestASlowBodyThatNobodyReadsIsAnswered(t *testing.T) {
	w := newWorld(t)
	for head, status := range map[string]int{
		"POST /api/v1/extensions":  http.StatusUnauthorized,
		"POST /nothing":            http.StatusNotFound,
		"GET /healthz":             http.StatusOK,
		"DELETE /api/v1/dashboard": http.StatusMethodNotAllowed,
	} {
		t.Run(head, func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { conn.Close() })
			if _, err := fmt.Fprintf(conn, "%s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{", head); err != nil {
				t.Fatal(err)
			}
			if err := conn.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
				t.Fatal(err)
			}
			answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatalf("no answer: %v", err)
			}
			defer answer.Body.Close()
			if answer.StatusCode != status {
				t.Errorf("the answer is %d, want %d", answer.StatusCode, status)
			}
			if _, err := io.Copy(io.Discard, answer.Body); err != nil {
				t.Error(err)
			}
			if _, err := conn.Read(make([]byte, 1)); err != io.EOF {
				t.Errorf("the connection stays: %v", err)
			}
		})
	}
}
