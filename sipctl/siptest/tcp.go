package siptest

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	dialLimit  = 2 * time.Second // to open a connection
	writeLimit = 2 * time.Second // to write one message: a peer that stops reading loses its connection
	maxStreams = 4096            // connections of one user agent at a time
	maxLine    = 16 << 10        // bytes of one header line in a stream
)

var (
	errClosed      = errors.New("the user agent is closed")
	errManyStreams = fmt.Errorf("more than %d connections", maxStreams)
	errFrame       = errors.New("no SIP message in the stream")
)

type tcpWire struct {
	listener *net.TCPListener
	secure   *tls.Config // nil: plain TCP
	addr     netip.AddrPort
	receive  func(string, peer)
	dialled  func(from netip.AddrPort) // told of every connection that we open
	readers  sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	streams map[*stream]struct{}
	toward  map[netip.AddrPort]*stream // the newest connection of each remote address
}

// stream is one TCP connection, opened by either side.
type stream struct {
	conn   net.Conn
	remote netip.AddrPort
	writes sync.Mutex
}

func listenTCP(at netip.AddrPort, secure *tls.Config, receive func(string, peer), dialled func(netip.AddrPort)) (*tcpWire, error) {
	l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(at))
	if err != nil {
		return nil, fmt.Errorf("open a TCP listener: %w", err)
	}
	w := &tcpWire{listener: l, secure: secure, addr: l.Addr().(*net.TCPAddr).AddrPort(), receive: receive, dialled: dialled,
		streams: map[*stream]struct{}{}, toward: map[netip.AddrPort]*stream{}}
	w.readers.Go(w.accept)
	return w, nil
}

func (w *tcpWire) accept() {
	for {
		conn, err := w.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil && w.secure != nil {
			conn = tls.Server(conn, w.secure)
		}
		if err == nil {
			_, err = w.adopt(conn)
		}
		if err != nil {
			time.Sleep(time.Millisecond) // out of file descriptors, or full: do not spin
		}
	}
}

// adopt starts to read a new connection.
func (w *tcpWire) adopt(conn net.Conn) (*stream, error) {
	remote := conn.RemoteAddr().(*net.TCPAddr).AddrPort()
	s := &stream{conn: conn, remote: netip.AddrPortFrom(remote.Addr().Unmap(), remote.Port())}
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.closed:
		_ = conn.Close()
		return nil, errClosed
	case len(w.streams) >= maxStreams:
		_ = conn.Close()
		return nil, errManyStreams
	}
	w.streams[s], w.toward[s.remote] = struct{}{}, s
	w.readers.Go(func() {
		s.read(w.receive)
		_ = conn.Close()
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.streams, s)
		if w.toward[s.remote] == s {
			delete(w.toward, s.remote)
		}
	})
	return s, nil
}

func (w *tcpWire) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.streams)
}

func (w *tcpWire) stream(addr netip.AddrPort) *stream {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.toward[addr]
}

// send uses the connection with that address if there is one, else opens one, else falls back on the connection that the
// peer's last message came from (its listener may be out of our reach).
func (w *tcpWire) send(to peer, message []byte) error {
	s := w.stream(to.addr)
	if s == nil {
		conn, err := (&net.Dialer{Timeout: dialLimit, LocalAddr: &net.TCPAddr{IP: w.addr.Addr().AsSlice()}}).Dial("tcp", to.addr.String())
		if err == nil {
			w.dialled(conn.LocalAddr().(*net.TCPAddr).AddrPort())
			if w.secure != nil {
				conn = tls.Client(conn, w.secure)
			}
			s, err = w.adopt(conn)
		}
		if s == nil {
			if to.conn == nil {
				return fmt.Errorf("reach %s: %w", to.addr, err)
			}
			s = to.conn
		}
	}
	return s.write(message)
}

func (w *tcpWire) name() string {
	if w.secure != nil {
		return "TLS"
	}
	return "TCP"
}
func (w *tcpWire) local() netip.AddrPort { return w.addr }
func (w *tcpWire) reliable() bool        { return true }

func (w *tcpWire) close() {
	w.mu.Lock()
	w.closed = true
	_ = w.listener.Close()
	for s := range w.streams {
		_ = s.conn.Close()
	}
	w.mu.Unlock()
	w.readers.Wait()
}

// drop closes every connection but keeps listening.
func (w *tcpWire) drop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for s := range w.streams {
		_ = s.conn.Close()
	}
}

func (s *stream) write(message []byte) error {
	s.writes.Lock()
	defer s.writes.Unlock()
	_ = s.conn.SetWriteDeadline(time.Now().Add(writeLimit))
	if _, err := s.conn.Write(message); err != nil {
		_ = s.conn.Close() // half a message may be out: the rest of the stream would make no sense
		return fmt.Errorf("write to %s: %w", s.remote, err)
	}
	return nil
}

func (s *stream) read(receive func(string, peer)) {
	r := bufio.NewReaderSize(s.conn, maxLine)
	for {
		message, err := readFrame(r)
		if err != nil {
			return
		}
		receive(message, peer{addr: s.remote, conn: s})
	}
}

// readFrame cuts one message out of a stream (RFC 3261 §18.3). CRLFs between messages are keep-alives (§7.5).
func readFrame(r *bufio.Reader) (string, error) {
	var message bytes.Buffer
	length := -1
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return "", err
		}
		blank := len(bytes.TrimRight(line, "\r\n")) == 0
		if blank && message.Len() == 0 {
			continue
		}
		message.Write(line)
		if blank {
			break
		}
		if message.Len() > maxMessage {
			return "", errFrame
		}
		name, value, _ := strings.Cut(string(line), ":")
		if sameName(strings.TrimSpace(name), "Content-Length") {
			if length, err = strconv.Atoi(strings.TrimSpace(value)); err != nil {
				return "", errFrame
			}
		}
	}
	if length < 0 || message.Len()+length > maxMessage {
		return "", errFrame
	}
	_, err := io.CopyN(&message, r, int64(length))
	return message.String(), err
}
