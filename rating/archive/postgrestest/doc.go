// Package postgrestest gives tests a PostgreSQL of their own: a server from the system's packages, with its data in a
// temporary folder, reached by a unix socket alone.
//
// PostgreSQL refuses to run as root: there it runs as the user postgres, which Debian's package makes. Nothing uses a
// fixed port, and nothing survives the tests: a server is killed by Close and, when the test process itself is killed, by
// the kernel. Where PostgreSQL is missing the error says so; a test is never skipped for it.
package postgrestest
