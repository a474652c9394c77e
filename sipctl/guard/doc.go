// Package guard stands between the network and the SIP library, which is never given a socket of its own. It decides who
// may talk to us at all (Policy), how often (a token bucket per source and one for all strangers together), and what is
// well enough formed to be parsed (Check). What does not pass is counted by reason and forgotten: no answer, no log line,
// nothing kept.
//
// A Guard is shared by every socket of a process, so that a source has one bucket over UDP, TCP and TLS:
//
//	g := guard.New(guard.Config{Policy: access})
//	udp := g.PacketConn(socket)         // go udp.Serve(server.ServeUDP)
//	tcp := g.Listener(listener, nil)    // go server.ServeTCP(tcp)
//	tls := g.Listener(listener, config) // go server.ServeTLS(tls)
//
// # Datagrams
//
// PacketConn.Serve hands the socket to the library in terms. The library (sipgo v1.7.2) remembers every source address
// for as long as it reads from a connection; when one term has shown it Config.MaxSources of them, a new term takes over
// the same socket, and the library drops all that it kept for the old one. No datagram is lost in between, running
// transactions keep their connection, and no honest newcomer is ever refused because others came before.
//
// # Streams
//
// Listener returns connections that read whole messages: a message reaches the library when it is complete and has
// passed the same rules as a datagram, or not at all. Framing is the guard's (Content-Length exactly once, RFC 3261
// §18.3), deadlines are per message and not per read, pings are answered (RFC 5626 §3.5.1), and the number of connections
// is limited in total, for strangers together, and per source.
package guard
