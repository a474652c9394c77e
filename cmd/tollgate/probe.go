package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"

	"tollgate/rating"
	"tollgate/sipctl/siptest"
)

const sipPort = 5060

// probeTrunk sends one OPTIONS to a trunk; any answer is good, for it shows that somebody speaks SIP there.
func probeTrunk(ctx context.Context, t *rating.Trunk) error {
	if !t.Enabled || t.ProbeInterval == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	target, err := rating.ParseTarget(t.URI)
	if err != nil {
		return err
	}
	if target.Port == 0 {
		target.Port = sipPort
	}
	addresses, err := net.DefaultResolver.LookupNetIP(ctx, "ip4", target.Host)
	if err != nil || len(addresses) == 0 {
		return fmt.Errorf("the name %s cannot be resolved: correct the trunk's uri, or the name server", target.Host)
	}
	server := netip.AddrPortFrom(addresses[0].Unmap(), uint16(target.Port))
	local, err := localAddress(server)
	if err != nil {
		return err
	}
	phone, err := siptest.NewPhone(siptest.PhoneConfig{Config: siptest.Config{Transport: target.Transport, LocalIP: local, Name: "check"}, Server: server, User: "check"})
	if err != nil {
		return err
	}
	defer phone.Close()
	answer, err := phone.Request(ctx, "OPTIONS", "", nil, siptest.Body{})
	if err != nil {
		return fmt.Errorf("no answer to OPTIONS from %s: is it the right address, and may this host reach it? (probe_interval 0 turns probing off)", net.JoinHostPort(target.Host, strconv.Itoa(target.Port)))
	}
	if answer.Code == 503 || answer.Code == 408 {
		return fmt.Errorf("it answers OPTIONS with %d: calls go to the next trunk", answer.Code)
	}
	return nil
}

// localAddress is the address that packets to a server leave from.
func localAddress(server netip.AddrPort) (netip.Addr, error) {
	conn, err := net.Dial("udp", server.String()) // sends nothing
	if err != nil {
		return netip.Addr{}, err
	}
	defer conn.Close()
	return conn.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap(), nil
}
