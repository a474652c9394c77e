// Package sipctl is the back-to-back user agent: it stands between the extensions and the trunks, asks for each INVITE
// whether it may pass and what it costs, and ends the call when its money does. DESIGN.md shows the ladders, the states and
// the timers.
//
// A reader begins with server.go (what there is), receive.go (what comes in) and call.go (one call). What the package needs
// from the rest of the program is in deps.go.
package sipctl
