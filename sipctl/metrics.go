package sipctl

import (
	"bytes"
	"errors"
	"strconv"
	"sync/atomic"

	"github.com/emiago/sipgo/sip"
	"github.com/prometheus/client_golang/prometheus"

	"tollgate/rating"
)

// metrics are what the SIP side shows. No label names an extension; labels that name a trunk end with it.
type metrics struct {
	invites   *prometheus.CounterVec
	calls     *prometheus.CounterVec
	attempts  *prometheus.CounterVec
	cutoffs   *prometheus.CounterVec
	requests  *prometheus.CounterVec
	responses *prometheus.CounterVec
	duration  *prometheus.HistogramVec
	postDial  *prometheus.HistogramVec
	lateness  prometheus.Histogram
	authorize prometheus.Histogram

	strangers, unknownDialogs, strays, panics, unsent prometheus.Counter
	challenges, authFailures, takenOver               prometheus.Counter
	malformed                                         atomic.Uint64 // beyond what the guard refused

	methods map[string]prometheus.Counter // what comes and goes most, looked up once
	codes   [700]prometheus.Counter
}

func newMetrics(s *Server) (*metrics, error) {
	m := &metrics{
		invites:        counters("tollgate_invites_total", "Calls decided, by result: answered, how the trunks refused them, or why we did.", "result"),
		calls:          counters("tollgate_calls_total", "Calls ended, by disposition and the trunk that answered or was tried last; no trunk where we refused. Their sum is the sum of the CDRs' count.", "disposition", "trunk"),
		attempts:       counters("tollgate_trunk_attempts_total", "Offers of a call to a trunk, by what came of them: answered at the answer, the others at their end. One for each entry of a CDR's attempts.", "trunk", "outcome"),
		cutoffs:        counters("tollgate_cutoffs_total", "Calls cut by us, by reason.", "reason"),
		requests:       counters("tollgate_sip_requests_total", "SIP requests received and sent, copies included, by method.", "method"),
		responses:      counters("tollgate_sip_responses_total", "SIP responses received and sent, copies included, by code; rare codes as x99.", "code"),
		duration:       histograms("tollgate_call_duration_seconds", "Billed seconds of answered calls, at their end, by trunk: the CDRs' duration.", "trunk", 1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600),
		postDial:       histograms("tollgate_post_dial_delay_seconds", "From the caller's INVITE to the first ringing, by the trunk that rang: the CDRs' post_dial_ms.", "trunk", .005, .01, .025, .05, .1, .25, .5, 1, 2, 4, 8, 16),
		lateness:       histogram("tollgate_cutoff_lateness_seconds", "From the end of the money to the BYE, per call cut.", .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5),
		authorize:      histogram("tollgate_authorize_seconds", "The ledger's answer to a new call.", .0002, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, 1, 2),
		strangers:      counter("tollgate_sip_strangers_total", "Requests of sources that are neither trusted peers nor trunks; they get no answer."),
		unknownDialogs: counter("tollgate_sip_unknown_dialogs_total", "Requests for a dialog that is not here, or from somebody who may not speak in it."),
		challenges:     counter("tollgate_sip_challenges_total", "Requests of strangers that were asked for a SIP password."),
		authFailures:   counter("tollgate_auth_failures_total", "SIP passwords refused: wrong, of a name that has none, or given after too many wrong ones. An outdated nonce is none."),
		strays:         counter("tollgate_sip_stray_answers_total", "Answers that belonged to no call and were ended with ACK and BYE."),
		takenOver:      counter("tollgate_calls_taken_over_total", "Answered calls of dead nodes that this node goes on with."),
		panics:         counter("tollgate_sip_faults_total", "Faults of ours that ended one message or one call."),
		unsent:         counter("tollgate_sip_unsent_total", "Messages that could not be sent."),
		methods:        map[string]prometheus.Counter{},
	}
	m.begin()
	if s.deps.Registry == nil {
		return m, nil
	}
	var err error
	for _, c := range append(m.watched(s), m.invites, m.calls, m.attempts, m.cutoffs, m.requests, m.responses, m.duration, m.postDial, m.lateness, m.authorize,
		m.strangers, m.unknownDialogs, m.strays, m.panics, m.unsent, m.challenges, m.authFailures, m.takenOver) {
		err = errors.Join(err, s.deps.Registry.Register(c))
	}
	return m, err
}

// begin shows at 0 what may happen: a counter that appears with its first event has no increase for Prometheus to see.
func (m *metrics) begin() {
	for _, method := range []sip.RequestMethod{sip.INVITE, sip.ACK, sip.BYE, sip.CANCEL, sip.OPTIONS, sip.INFO, sip.UPDATE, sip.REGISTER, sip.MESSAGE, sip.SUBSCRIBE, sip.REFER, sip.PRACK} {
		m.methods[string(method)] = m.requests.WithLabelValues(string(method))
	}
	for code := 100; code < len(m.codes); code++ {
		if known(code) {
			m.codes[code] = m.responses.WithLabelValues(strconv.Itoa(code))
		}
	}
	for _, d := range dispositions {
		m.invites.WithLabelValues(string(d))
	}
	for _, r := range denials {
		if r.reason != "" {
			m.invites.WithLabelValues(string(r.reason))
		}
	}
	m.calls.WithLabelValues(string(rating.Rejected), "")
	for _, why := range []cause{causeCredit, causeLimit, causeStoreLost} {
		m.cutoffs.WithLabelValues(why.String())
	}
}

// dispositions of a call that was offered to a trunk.
var dispositions = []rating.Disposition{rating.Answered, rating.Busy, rating.NoAnswer, rating.Failed, rating.Cancelled}

// meetTrunk shows a trunk at 0.
func (m *metrics) meetTrunk(name string) {
	for _, d := range dispositions {
		m.calls.WithLabelValues(string(d), name)
	}
	for _, o := range rating.Outcomes {
		m.attempts.WithLabelValues(name, string(o))
	}
	m.duration.WithLabelValues(name)
	m.postDial.WithLabelValues(name)
}

// forgetTrunk takes away what is shown of a trunk that was deleted.
func (m *metrics) forgetTrunk(name string) {
	of := prometheus.Labels{"trunk": name}
	m.calls.DeletePartialMatch(of)
	m.attempts.DeletePartialMatch(of)
	m.duration.DeletePartialMatch(of)
	m.postDial.DeletePartialMatch(of)
}

// known are the response codes that have a counter of their own; the rest is counted by class.
func known(code int) bool {
	switch code {
	case 100, 180, 183, 200, 202, 302, 400, 401, 402, 403, 404, 405, 407, 408, 415, 420, 480, 481, 482, 483, 484, 486, 487, 488, 491, 500, 502, 503,
		504, 505, 513, 580, 600, 603, 604, 606:
		return true
	}
	return code%100 == 99
}

func (m *metrics) response(code int) {
	if code < 100 || code >= len(m.codes) {
		return
	}
	if m.codes[code] == nil {
		code = code/100*100 + 99
	}
	m.codes[code].Inc()
}

func (m *metrics) request(method string) {
	if c := m.methods[method]; c != nil {
		c.Inc()
		return
	}
	m.requests.WithLabelValues("other").Inc()
}

// sent counts a message of ours by its first line.
func (m *metrics) sent(message []byte) {
	first, rest, _ := bytes.Cut(message, []byte(" "))
	if string(first) != "SIP/2.0" {
		m.request(string(first))
		return
	}
	if len(rest) >= 3 {
		code, _ := strconv.Atoi(string(rest[:3]))
		m.response(code)
	}
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
}

func histogram(name, help string, buckets ...float64) prometheus.Histogram {
	return prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets})
}

func histograms(name, help, label string, buckets ...float64) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, []string{label})
}
