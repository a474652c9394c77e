package siptest

import (
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

const (
	ladderLimit = 2000 // messages kept, the newest
	columnWidth = 30   // characters between two lines of the ladder
)

// Ladder records the messages of all user agents that share it, in the order of their time, and prints them as the arrows between
// lines that every SIP textbook shows. It keeps the newest 2000 messages. A nil Ladder records nothing.
type Ladder struct {
	mu      sync.Mutex
	names   map[netip.AddrPort]string         // user agents, and peers that have been given a name
	columns []netip.AddrPort                  // in the order in which they were seen
	places  map[netip.AddrPort]int            // their place: phones on the left, carriers on the right
	aliases map[netip.AddrPort]netip.AddrPort // TCP connections, to the address that their owner listens on
	rungs   []Rung
	dropped int
}

// Rung is one message as an user agent saw it.
type Rung struct {
	At       time.Time
	From, To netip.AddrPort
	Line     string // "INVITE 988 SDP", "180 Ringing (INVITE)"
	CallID   string
}

// Name gives a name to an address that is no user agent's: the Tollgate between them.
func (l *Ladder) Name(name string, addr netip.AddrPort) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.prepare()
	l.names[addr] = name
	l.column(addr)
}

func (l *Ladder) prepare() {
	if l.names == nil {
		l.names, l.places = map[netip.AddrPort]string{}, map[netip.AddrPort]int{}
		l.aliases = map[netip.AddrPort]netip.AddrPort{}
	}
}

func (l *Ladder) join(name string, addr netip.AddrPort, place int) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.prepare()
	l.names[addr], l.places[addr] = name, place
	l.column(addr)
}

// alias notes that a connection of ours leaves from another port than we listen on.
func (l *Ladder) alias(connection, listener netip.AddrPort) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.aliases) < ladderLimit {
		l.aliases[connection] = listener
	}
}

// known is the address that stands for this one. A peer's connection from a port that has no name is taken for the only
// named peer on that host, if there is just one.
func (l *Ladder) known(addr netip.AddrPort) netip.AddrPort {
	if listener, found := l.aliases[addr]; found {
		return listener
	}
	if _, named := l.names[addr]; named {
		return addr
	}
	same := addr
	for other := range l.names {
		if l.places[other] == 0 && other.Addr() == addr.Addr() {
			if same != addr {
				return addr
			}
			same = other
		}
	}
	return same
}

func (l *Ladder) column(addr netip.AddrPort) {
	if !slices.Contains(l.columns, addr) {
		l.columns = append(l.columns, addr)
	}
}

func (l *Ladder) sent(at time.Time, from, to netip.AddrPort, message []byte) {
	if l == nil {
		return
	}
	line, _, _ := strings.Cut(string(message), "\r\n")
	callID := ""
	if m, err := Parse(string(message)); err == nil {
		line, callID = rungLine(m), m.callID
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.add(Rung{at, from, to, line, callID})
}

// received notes what comes from outside; what another user agent of this ladder sent stands there already.
func (l *Ladder) received(by netip.AddrPort, m *Message) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.places[l.known(m.Source)] == 0 {
		l.add(Rung{m.At, m.Source, by, rungLine(m), m.callID})
	}
}

func (l *Ladder) garbage(at time.Time, from, by netip.AddrPort, why error) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.add(Rung{at, from, by, "malformed: " + why.Error(), ""})
}

func (l *Ladder) add(r Rung) {
	r.From, r.To = l.known(r.From), l.known(r.To)
	l.column(r.From)
	l.column(r.To)
	if len(l.rungs) == ladderLimit {
		l.rungs = l.rungs[1:]
		l.dropped++
	}
	l.rungs = append(l.rungs, r)
}

func rungLine(m *Message) string {
	line := m.String()
	if user := User(m.URI); user != "" {
		line = m.Method + " " + user
	}
	if strings.HasPrefix(m.Body, "v=0") {
		line += " SDP"
	}
	return line
}

// Rungs are the messages of one call, or of all with an empty Call-ID, in order.
func (l *Ladder) Rungs(callID string) []Rung {
	l.mu.Lock()
	defer l.mu.Unlock()
	var rungs []Rung
	for _, r := range l.rungs {
		if callID == "" || r.CallID == callID {
			rungs = append(rungs, r)
		}
	}
	slices.SortStableFunc(rungs, func(a, b Rung) int { return a.At.Compare(b.At) })
	return rungs
}

// String is the whole ladder.
func (l *Ladder) String() string {
	var b strings.Builder
	_ = l.Print(&b, "")
	return b.String()
}

// Print draws the ladder of one call, or of all with an empty Call-ID.
func (l *Ladder) Print(w io.Writer, callID string) error {
	rungs := l.Rungs(callID)
	l.mu.Lock()
	columns, dropped := l.used(rungs), l.dropped
	var b strings.Builder
	b.WriteString(strings.Repeat(" ", 10))
	for _, c := range columns {
		b.WriteString(pad(l.name(c), columnWidth))
	}
	l.mu.Unlock()
	b.WriteByte('\n')
	if dropped > 0 {
		fmt.Fprintf(&b, "          (%d earlier messages not kept)\n", dropped)
	}
	for _, r := range rungs {
		fmt.Fprintf(&b, "%9.3f %s\n", r.At.Sub(rungs[0].At).Seconds(), arrow(columns, r))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Places of the columns; what is no user agent stands between them.
const (
	left  = -1
	right = 1
)

// used are the columns that these messages touch, from left to right.
func (l *Ladder) used(rungs []Rung) []netip.AddrPort {
	columns := slices.DeleteFunc(slices.Clone(l.columns), func(c netip.AddrPort) bool {
		return !slices.ContainsFunc(rungs, func(r Rung) bool { return r.From == c || r.To == c })
	})
	slices.SortStableFunc(columns, func(a, b netip.AddrPort) int { return l.places[a] - l.places[b] })
	return columns
}

func (l *Ladder) name(addr netip.AddrPort) string {
	if name := l.names[addr]; name != "" {
		return name
	}
	if !addr.IsValid() {
		return "?"
	}
	return addr.Addr().String() + ":" + strconv.Itoa(int(addr.Port()))
}

// arrow draws one message between the lines of its two ends.
func arrow(columns []netip.AddrPort, r Rung) string {
	from, to := slices.Index(columns, r.From), slices.Index(columns, r.To)
	start, end := min(from, to), max(from, to)
	var b strings.Builder
	for i := 0; i < len(columns); i++ {
		switch {
		case i == start && start != end:
			shaft := (end-start)*columnWidth - 3
			text := clip(" "+r.Line+" ", shaft)
			dashes := strings.Repeat("─", shaft-utf8.RuneCountInString(text))
			if from < to {
				b.WriteString("│─" + text + dashes + "▶")
			} else {
				b.WriteString("│◀" + dashes + text + "─")
			}
			i = end - 1
		case i == start:
			b.WriteString(pad("│⟲ "+r.Line, columnWidth))
		case i == len(columns)-1:
			b.WriteString("│")
		default:
			b.WriteString(pad("│", columnWidth))
		}
	}
	return strings.TrimRight(b.String(), " ")
}

func clip(s string, width int) string {
	if runes := []rune(s); len(runes) > width {
		return string(runes[:width-1]) + "…"
	}
	return s
}

func pad(s string, width int) string {
	s = clip(s, width-1)
	return s + strings.Repeat(" ", width-utf8.RuneCountInString(s))
}
