package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tollgate/sipctl/siptest"
)

// simulation is what `tollgate simulate` was asked for.
type simulation struct {
	target    string
	transport string
	carrier   string
	number    string
	from      string
	callers   int
	ring      time.Duration
	load      siptest.Load
}

func simulateCommand() *cobra.Command {
	s := simulation{}
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Load a SIP server with calls to a built-in answering carrier",
		Long: "Places real SIP calls through a Tollgate (or any SIP server) and answers them itself: point a trunk of the server at\n" +
			"the carrier's address. Extensions --from, --from + 1 … take turns. Prints calls a second, latencies and failures.",
		Example: "  tollgate simulate --target 127.0.0.1:5060 --carrier 127.0.0.1:5070 --number 988360046 --from 101 --callers 10 --rate 100 --duration 10s",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return s.run(cmd.Context(), cmd.OutOrStdout()) },
	}
	f := cmd.Flags()
	f.StringVar(&s.target, "target", "127.0.0.1:5060", "address:port of the server under load")
	f.StringVar(&s.transport, "transport", "udp", "udp or tcp")
	f.StringVar(&s.carrier, "carrier", "127.0.0.1:5070", "address:port where the built-in carrier answers; empty: somebody else answers")
	f.StringVar(&s.number, "number", "988360046", "number to call")
	f.StringVar(&s.from, "from", "101", "extension of the first caller")
	f.IntVar(&s.callers, "callers", 1, "how many extensions take turns, counted up from --from")
	f.DurationVar(&s.ring, "ring", 20*time.Millisecond, "how long the carrier rings")
	f.Float64Var(&s.load.Rate, "rate", 10, "calls a second")
	f.IntVar(&s.load.Calls, "calls", 0, "how many calls; 0: as many as fit in --duration")
	f.DurationVar(&s.load.Duration, "duration", 10*time.Second, "for how long to place calls")
	f.DurationVar(&s.load.Hold, "hold", 0, "talk time of each call")
	f.IntVar(&s.load.Phones, "phones", 1, "sockets to call from")
	return cmd
}

// lastByes is how long a carrier waits for the ends of its calls, when their callers have ended.
const lastByes = 2 * time.Second

// run places the calls and prints what came of them; failures make the exit code 1.
func (s simulation) run(ctx context.Context, out io.Writer) error {
	target, err := netip.ParseAddrPort(s.target)
	if err != nil {
		return fmt.Errorf("--target %s: write address:port, such as 127.0.0.1:5060", s.target)
	}
	if s.carrier != "" {
		carrier, err := s.answer()
		if err != nil {
			return err
		}
		defer carrier.Close()
		defer func() { // the callers' side ends first, and who ends the carrier's wants an answer
			rest, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastByes)
			defer cancel()
			_ = carrier.WaitLive(rest, 0)
		}()
	}
	s.load.Server, s.load.Transport = target, s.transport
	s.load.Plan = func(n int) siptest.Plan { return siptest.Plan{Number: s.number, From: s.caller(n)} }
	bar := progressBar{out: out, total: s.expected(), live: terminal(out)}
	s.load.Progress = bar.show
	summary, err := s.load.Run(ctx)
	if err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	bar.done()
	printSummary(out, summary)
	if !summary.Clean() {
		return exit{code: 1}
	}
	return nil
}

// answer opens the carrier that takes the calls.
func (s simulation) answer() (*siptest.Carrier, error) {
	at, err := netip.ParseAddrPort(s.carrier)
	if err != nil {
		return nil, fmt.Errorf("--carrier %s: write address:port, such as 127.0.0.1:5070", s.carrier)
	}
	carrier, err := siptest.NewCarrier(siptest.CarrierConfig{
		Config:  siptest.Config{Transport: s.transport, LocalIP: at.Addr(), Port: at.Port(), Lean: true, Linger: 5 * time.Second},
		Default: siptest.Answer(s.ring),
	})
	if err != nil {
		return nil, fmt.Errorf("--carrier %s: %w; choose another port and point the trunk there", s.carrier, err)
	}
	return carrier, nil
}

// caller is the extension of the n-th call: --from counted up where it is a number.
func (s simulation) caller(n int) string {
	var first int
	if _, err := fmt.Sscanf(s.from, "%d", &first); err != nil || s.callers <= 1 {
		return s.from
	}
	return fmt.Sprintf("%0*d", len(s.from), first+n%s.callers)
}

func (s simulation) expected() int {
	if s.load.Calls > 0 {
		return s.load.Calls
	}
	return int(s.load.Rate * s.load.Duration.Seconds())
}

// progressBar shows how far a load run is: one line that is redrawn in a terminal, a line a second elsewhere.
type progressBar struct {
	out   io.Writer
	total int
	live  bool
}

const barWidth = 30

func (b progressBar) show(s *siptest.Summary) {
	full := min(barWidth, barWidth*int(s.Placed)/max(1, b.total))
	line := fmt.Sprintf("[%s%s] %d/%d placed, %d up, %d answered, %d failed", strings.Repeat("#", full), strings.Repeat(".", barWidth-full),
		s.Placed, b.total, s.Up, s.Answered, s.Failed)
	if b.live {
		fmt.Fprintf(b.out, "\r\x1b[K%s", line)
		return
	}
	fmt.Fprintln(b.out, line)
}

func (b progressBar) done() {
	if b.live {
		fmt.Fprint(b.out, "\r\x1b[K")
	}
}

func printSummary(out io.Writer, s *siptest.Summary) {
	fmt.Fprintf(out, "calls         %d placed, %d answered, %d completed, %d failed, %d cut, %d left out\n", s.Placed, s.Answered, s.Completed, s.Failed, s.Cut, s.LeftOut)
	fmt.Fprintf(out, "rate          %.1f calls/s over %v, %d up at most\n", s.Rate(), s.Elapsed.Round(time.Millisecond), s.MostUp)
	fmt.Fprintf(out, "to ringing    %s\nto answer     %s\nto BYE's 200  %s\n", &s.Ring, &s.AnswerTime, &s.ByeTime)
	fmt.Fprintf(out, "retransmitted %d\n", s.Retransmitted)
	for _, code := range slices.Sorted(maps.Keys(s.Failures)) {
		fmt.Fprintf(out, "failed        %d calls with %s\n", s.Failures[code], answerName(code))
	}
}

func answerName(code int) string {
	if code == 0 {
		return "no answer"
	}
	return fmt.Sprint(code)
}
