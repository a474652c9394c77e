// Package backup is the folder that a backup is, and the store in it as text. It knows no money: what belongs into a backup,
// and what a restore makes of it, is for the caller to know.
package backup
