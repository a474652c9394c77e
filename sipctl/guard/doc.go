// Package guard stands between the network and everything that parses. It decides who may talk to us at all (Policy), how
// often (a token bucket per source and one for all strangers together), and what is well enough formed to be parsed
// (Check). What does not pass is counted by reason and forgotten: no answer, no log line, nothing kept.
//
// A Guard is shared by every socket of a process, so that a source has one bucket over UDP, TCP and TLS:
//
//	g := guard.New(guard.Config{Policy: access})
//	udp := g.PacketConn(socket)         // udp.ReadFromUDPAddrPort returns datagrams that pass
//	tcp := g.Listener(listener, nil)    // tcp.Accept returns connections that read whole messages
//	tls := g.Listener(listener, config)
//
// # Streams
//
// A message is delivered when it is complete and has passed the same rules as a datagram, or not at all. Framing is the
// guard's (Content-Length exactly once, RFC 3261 §18.3), deadlines are per message and not per read, pings are answered
// (RFC 5626 §3.5.1), and the number of connections is limited in total, for strangers together, and per source.
package guard
