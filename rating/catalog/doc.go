// Package catalog keeps what operators edit: extensions, rates, trunks, dial rules, settings, whether billing is on, and
// who may log in. Everything is a versioned document in Redis; each node holds all of it in memory as one immutable
// rating.Snapshot, which follows an edit on any node within a second. See DESIGN.md.
package catalog
