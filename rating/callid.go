package rating

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash/fnv"
)

// Shards is into how many parts the ledger divides the accounts. An account, its calls and its outbox share one.
const Shards = 16

// callIDLength is two digits of the shard and thirty of a hash.
const callIDLength = 32

// ShardOf returns the shard of an extension number. It is fixed for good: stored data depend on it.
func ShardOf(extension string) int {
	h := fnv.New32a()
	h.Write([]byte(extension))
	return int(h.Sum32() % Shards)
}

// NewCallID names the call that an INVITE of an extension starts, from its Call-ID, From tag and CSeq (RFC 3261 §8.1.1):
// the same INVITE has the same id on every node, and nobody else's INVITE has it. The first two digits are the
// extension's shard, so the ledger finds a call by its id alone.
func NewCallID(extension, callID, fromTag string, cseq uint32) CallID {
	h := sha256.New()
	for _, part := range [...]string{extension, callID, fromTag} {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(part)))
		h.Write(length[:])
		h.Write([]byte(part))
	}
	var number [4]byte
	binary.BigEndian.PutUint32(number[:], cseq)
	h.Write(number[:])
	shard := ShardOf(extension)
	id := append(make([]byte, 0, callIDLength), byte('0'+shard/10), byte('0'+shard%10))
	return CallID(hex.AppendEncode(id, h.Sum(nil)[:(callIDLength-2)/2]))
}

// Shard returns the shard that the id names; ok is false where it is not the id of a call.
func (c CallID) Shard() (shard int, ok bool) {
	if len(c) != callIDLength {
		return 0, false
	}
	for i := range len(c) {
		digit, letter := '0' <= c[i] && c[i] <= '9', 'a' <= c[i] && c[i] <= 'f'
		if !digit && (i < 2 || !letter) {
			return 0, false
		}
	}
	shard = int(c[0]-'0')*10 + int(c[1]-'0')
	return shard, shard < Shards
}
