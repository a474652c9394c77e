// Package ledger keeps the money of all extensions in Redis. Every change of money is one Lua script that is safe to
// repeat; everything else here builds the keys, runs the scripts, and gives their answers the names of package rating.
// DESIGN.md tells the layout, the laws and what happens when a process or the store dies.
package ledger
