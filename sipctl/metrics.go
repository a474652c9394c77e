package sipctl

import (
	"errors"
	"strconv"
	"sync/atomic"

	"github.com/emiago/sipgo/sip"
	"github.com/prometheus/client_golang/prometheus"
)

// metrics are what the SIP side shows. No label names an extension.
type metrics struct {
	invites                                           *prometheus.CounterVec
	calls                                             *prometheus.CounterVec
	cutoffs                                           *prometheus.CounterVec
	requests                                          *prometheus.CounterVec
	responses                                         *prometheus.CounterVec
	trunkUp                                           *prometheus.GaugeVec
	trunkCalls                                        *prometheus.GaugeVec
	duration                                          prometheus.Histogram
	postDial                                          prometheus.Histogram
	lateness                                          prometheus.Histogram
	authorize                                         prometheus.Histogram
	strangers, unknownDialogs, strays, panics, unsent prometheus.Counter
	challenges, authFailures                          prometheus.Counter
	malformed                                         atomic.Uint64 // beyond what the guard refused

	methods map[sip.RequestMethod]prometheus.Counter // what is received most, looked up once
	codes   [700]prometheus.Counter
}

func newMetrics(s *Server) (*metrics, error) {
	m := &metrics{
		invites:        counters("tollgate_invites_total", "Calls decided, by result: answered, or why not.", "result"),
		calls:          counters("tollgate_calls_total", "Calls ended, by disposition and the trunk that answered or was tried last.", "disposition", "trunk"),
		cutoffs:        counters("tollgate_cutoffs_total", "Calls cut by us, by reason.", "reason"),
		requests:       counters("tollgate_sip_requests_total", "SIP requests received and sent, by method.", "method"),
		responses:      counters("tollgate_sip_responses_total", "SIP responses received and sent, by code.", "code"),
		trunkUp:        gauges("tollgate_trunk_up", "1 while the trunk answers OPTIONS, 0 when it has stopped to; absent while unknown.", "trunk"),
		trunkCalls:     gauges("tollgate_trunk_calls_active", "Calls on the trunk, ringing ones included.", "trunk"),
		duration:       histogram("tollgate_call_duration_seconds", "Talk time of answered calls, from the trunk's 2xx to the first BYE.", 1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600),
		postDial:       histogram("tollgate_post_dial_delay_seconds", "INVITE to the first ringing.", .005, .01, .025, .05, .1, .25, .5, 1, 2, 4, 8, 16),
		lateness:       histogram("tollgate_cutoff_lateness_seconds", "From the end of the money to the BYE, per call cut.", .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5),
		authorize:      histogram("tollgate_authorize_seconds", "The ledger's answer to a new call.", .0002, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, 1, 2),
		strangers:      counter("tollgate_sip_strangers_total", "Requests of sources that are neither trusted peers nor trunks; they get no answer."),
		unknownDialogs: counter("tollgate_sip_unknown_dialogs_total", "Requests for a dialog that is not here, or from somebody who may not speak in it."),
		challenges:     counter("tollgate_sip_challenges_total", "Requests of strangers that were asked for a SIP password."),
		authFailures:   counter("tollgate_auth_failures_total", "SIP passwords refused: wrong, of a name that has none, or given after too many wrong ones. An outdated nonce is none."),
		strays:         counter("tollgate_sip_stray_answers_total", "Answers that belonged to no call and were ended with ACK and BYE."),
		panics:         counter("tollgate_sip_faults_total", "Faults of ours that ended one message or one call."),
		unsent:         counter("tollgate_sip_unsent_total", "Messages that could not be sent."),
		methods:        map[sip.RequestMethod]prometheus.Counter{},
	}
	for _, method := range []sip.RequestMethod{sip.INVITE, sip.ACK, sip.BYE, sip.CANCEL, sip.OPTIONS, sip.INFO, sip.UPDATE, sip.REGISTER, sip.MESSAGE, sip.SUBSCRIBE, sip.REFER, sip.PRACK} {
		m.methods[method] = m.requests.WithLabelValues(string(method))
	}
	for code := 100; code < len(m.codes); code++ {
		if known(code) {
			m.codes[code] = m.responses.WithLabelValues(strconv.Itoa(code))
		}
	}
	active := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "tollgate_calls_active", Help: "Calls on this node, ringing ones included."},
		func() float64 { return float64(s.calls.size.Load()) })
	spooled := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "tollgate_spool_entries", Help: "Steps on the local disk that the store has not seen."},
		func() float64 { return float64(s.deps.Spool.Entries()) })
	malformed := prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "tollgate_sip_malformed_total",
		Help: "SIP messages that the guard, the parser or the validation refused as malformed."},
		func() float64 { return float64(m.malformed.Load() + s.guard.Malformed()) })
	if s.deps.Registry == nil {
		return m, nil
	}
	var err error
	for _, c := range []prometheus.Collector{m.invites, m.calls, m.cutoffs, m.requests, m.responses, m.trunkUp, m.trunkCalls, m.duration,
		m.postDial, m.lateness, m.authorize, malformed, m.strangers, m.unknownDialogs, m.strays, m.panics, m.unsent, m.challenges, m.authFailures, active, spooled} {
		err = errors.Join(err, s.deps.Registry.Register(c))
	}
	return m, err
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

func (m *metrics) received(method sip.RequestMethod) {
	if c := m.methods[method]; c != nil {
		c.Inc()
		return
	}
	m.requests.WithLabelValues("other").Inc()
}

func (m *metrics) request(method string) { m.received(sip.RequestMethod(method)) }

func (m *metrics) forgetTrunk(name string) {
	m.trunkUp.DeleteLabelValues(name)
	m.trunkCalls.DeleteLabelValues(name)
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
}

func gauges(name, help string, labels ...string) *prometheus.GaugeVec {
	return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
}

func histogram(name, help string, buckets ...float64) prometheus.Histogram {
	return prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets})
}
