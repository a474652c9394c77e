// Package transaction is the transaction layer of a SIP user agent (RFC 3261 §17, with the corrections of RFC 6026).
//
// It differs from the one in sipgo where a back-to-back user agent needs it to:
//   - callbacks run without any lock, one after the other for one transaction's socket, and never wait for a reader;
//   - all answers to one request carry the same To tag, the 487 and the 200 of a CANCEL included;
//   - a second final response is refused here, not sent;
//   - a CANCEL that overtook its INVITE still cancels it;
//   - messages are composed once, as bytes, and those bytes are repeated;
//   - a transaction that is over keeps nothing but what a late copy needs, and only for Timers.Linger;
//   - timers belong to the layer and not to the process, so that tests can shorten them.
package transaction
