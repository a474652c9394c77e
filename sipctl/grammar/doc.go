// Package grammar reads what RFC 3261 §25 writes down, more strictly than the SIP library does, and writes text that no
// reader can take for anything else.
//
// The library (sipgo v1.7.2) keeps spaces and letter case in parameter names, knows seven of the compact header names,
// takes any text for a display name, and drops a message without an answer when one header of it is wrong. NewParser mends
// that inside the library: names are expanded, parameters are normalised, and a header that the grammar refuses stays
// generic (no *sip.FromHeader but plain text under the name From), so that the message arrives and can be answered with 400.
package grammar
