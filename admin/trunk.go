package admin

import (
	"fmt"
	"net/netip"
	"strings"

	"tollgate/rating"
)

// trunk is the resource: a carrier's SIP endpoint, and how it is now.
type trunk struct {
	Name            string   `json:"name" create:"required" doc:"1 to 64 letters, digits and . _ -; it cannot be changed." example:"FXO-1"`
	URI             string   `json:"uri" create:"required" doc:"sip:host[:port][;transport=udp|tcp|tls]" example:"sip:127.0.0.1:5070;transport=udp"`
	Enabled         bool     `json:"enabled" doc:"Whether calls go there."`
	Username        string   `json:"username" doc:"For digest authentication towards the trunk; empty: none."`
	Password        string   `json:"password,omitempty" writeOnly:"true" doc:"For digest authentication; never shown. An empty one takes it away."`
	Realm           string   `json:"realm" doc:"Realm of the trunk that may ask for the password; empty: the first that does."`
	Register        bool     `json:"register" doc:"Whether Tollgate registers at the trunk, with username and password. Calls from the trunk are refused all the same."`
	RegisterExpires int64    `json:"register_expires" doc:"Seconds of registration to ask for, 60 to 86400; 0: an hour."`
	FromUser        string   `json:"from_user" doc:"From user of calls whose extension has no caller_id."`
	IdentityHeader  string   `json:"identity_header" enum:"none,pai" doc:"Whether P-Asserted-Identity is sent."`
	MaxCalls        int64    `json:"max_calls" doc:"Calls at once; 0: no limit."`
	ResponseTimeout int64    `json:"response_timeout" doc:"Seconds without any answer before the next trunk is tried."`
	FailoverCodes   []int    `json:"failover_codes" doc:"Final answers after which the next trunk is tried."`
	Sources         []string `json:"sources" doc:"Further networks or addresses that its requests within calls come from." example:"[\"192.0.2.0/24\"]"`
	ProbeInterval   int64    `json:"probe_interval" doc:"Seconds between OPTIONS; 0: no probing."`
	Health          string   `json:"health" readOnly:"true" enum:"up,down,unknown" doc:"unknown: it never answered an OPTIONS, and is used."`
	ActiveCalls     int64    `json:"active_calls" readOnly:"true" doc:"Calls that ring or talk over it, on this node."`
	Version         int64    `json:"version" readOnly:"true" doc:"Grows with every edit."`

	Registration Registration `json:"registration" readOnly:"true" doc:"How this node stands with the trunk's registrar."`
}

func trunkOf(t rating.Trunk) trunk {
	sources := make([]string, 0, len(t.Sources))
	for _, network := range t.Sources {
		sources = append(sources, network.String())
	}
	return trunk{Name: t.Name, URI: t.URI, Enabled: t.Enabled, Username: t.Username, Realm: t.Realm, Register: t.Register, RegisterExpires: t.RegisterExpires, FromUser: t.FromUser, IdentityHeader: string(t.IdentityHeader),
		MaxCalls: t.MaxCalls, ResponseTimeout: t.ResponseTimeout, FailoverCodes: nonNil(t.FailoverCodes), Sources: sources,
		ProbeInterval: t.ProbeInterval, Health: "unknown", Version: t.Version, Registration: Registration{State: "off"}}
}

// mergeTrunk puts a body over a trunk. The name of one that exists stays.
func (b body) mergeTrunk(old rating.Trunk) (rating.Trunk, error) {
	x, err := over(b, trunkOf(old))
	if err != nil {
		return old, err
	}
	if old.Name != "" && x.Name != old.Name {
		return old, rating.Invalid{{Field: "name", Message: "cannot be changed; add a trunk with the new name"}}
	}
	sources, err := parseNetworks("sources", x.Sources)
	if err != nil {
		return old, err
	}
	t := rating.Trunk{Name: x.Name, URI: x.URI, Enabled: x.Enabled, Username: x.Username, Password: old.Password, Realm: x.Realm, Register: x.Register, RegisterExpires: x.RegisterExpires, FromUser: x.FromUser,
		IdentityHeader: rating.IdentityHeader(x.IdentityHeader), MaxCalls: x.MaxCalls, ResponseTimeout: x.ResponseTimeout,
		FailoverCodes: x.FailoverCodes, Sources: sources, ProbeInterval: x.ProbeInterval, Version: old.Version}
	if b.has("password") {
		t.Password = x.Password
	}
	return t, t.Validate()
}

// parseNetworks reads networks such as 192.0.2.0/24; an address alone is a network of one.
func parseNetworks(field string, texts []string) ([]netip.Prefix, error) {
	networks := make([]netip.Prefix, 0, len(texts))
	var wrong rating.Invalid
	for i, text := range texts {
		network, err := netip.ParsePrefix(text)
		if address, e := netip.ParseAddr(text); err != nil && e == nil && !strings.Contains(text, "%") {
			network, err = netip.PrefixFrom(address, address.BitLen()), nil
		}
		if err != nil {
			wrong = append(wrong, rating.FieldError{Field: fmt.Sprintf("%s[%d]", field, i), Message: "must be a network such as 192.0.2.0/24, or an address"})
			continue
		}
		networks = append(networks, network.Masked())
	}
	if wrong != nil {
		return nil, wrong
	}
	return networks, nil
}
