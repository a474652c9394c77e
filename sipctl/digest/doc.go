// Package digest is HTTP digest authentication as SIP uses it (RFC 7616, RFC 8760, RFC 3261 §22): who is asked for a
// password answers with Challenge.Answer, who asks for it makes challenges and verifies answers. It knows header values
// and hashes; it keeps no connection, no clock and no password.
package digest
