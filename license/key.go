package license

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
)

// vendorKey is the key that licences are checked with. A vendor puts the .pub file of his own key here and builds again.
//
//go:embed vendor.pub
var vendorKey []byte

// A SigningKey makes licences. It is the vendor's secret.
type SigningKey struct {
	use     string
	private ed25519.PrivateKey
}

// A PublicKey checks licences.
type PublicKey struct {
	use    string
	public ed25519.PublicKey
}

const (
	publicTitle  = "Tollgate licence key, version 1"
	signingTitle = "Tollgate licence signing key, version 1"
	useVendor    = "vendor"
	useDevelop   = "development" // its secret half is in the repository: whoever has the source can make a licence
)

var errBadKey = errors.New("the file is not a key of ours; `tollgate license keygen` makes one")

// VendorKey returns the key that this build checks licences with.
func VendorKey() (PublicKey, error) { return ParsePublicKey(vendorKey) }

// NewSigningKey makes a vendor's key; random is crypto/rand.Reader but in tests.
func NewSigningKey(random io.Reader) (SigningKey, error) {
	if random == nil {
		random = rand.Reader
	}
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(random, seed); err != nil {
		return SigningKey{}, fmt.Errorf("make a signing key: %w", err)
	}
	return SigningKey{useVendor, ed25519.NewKeyFromSeed(seed)}, nil
}

// Public returns the half that is built into the product.
func (k SigningKey) Public() PublicKey {
	return PublicKey{k.use, k.private.Public().(ed25519.PublicKey)}
}

// Text returns the secret half as a file.
func (k SigningKey) Text() []byte {
	d := document{title: signingTitle}
	d.add("use", k.use)
	d.add("seed", base64.StdEncoding.EncodeToString(k.private.Seed()))
	return d.text()
}

// Text returns the public half as a file.
func (k PublicKey) Text() []byte {
	d := document{title: publicTitle}
	d.add("use", k.use)
	d.add("key", base64.StdEncoding.EncodeToString(k.public))
	return d.text()
}

// Development reports whether anybody with the source can make licences for this key.
func (k PublicKey) Development() bool { return k.use == useDevelop }

// ID is a short name of the key.
func (k PublicKey) ID() string {
	sum := sha256.Sum256(k.public)
	return base32Text.EncodeToString(sum[:10])
}

// ParseSigningKey reads the file of a secret key.
func ParseSigningKey(text []byte) (SigningKey, error) {
	use, seed, err := parseKey(signingTitle, "seed", ed25519.SeedSize, text)
	if err != nil {
		return SigningKey{}, err
	}
	return SigningKey{use, ed25519.NewKeyFromSeed(seed)}, nil
}

// ParsePublicKey reads the file of a public key.
func ParsePublicKey(text []byte) (PublicKey, error) {
	use, key, err := parseKey(publicTitle, "key", ed25519.PublicKeySize, text)
	return PublicKey{use, key}, err
}

func parseKey(title, name string, size int, text []byte) (use string, key []byte, err error) {
	d, err := parseDocument(title, text)
	if err != nil {
		return "", nil, fmt.Errorf("%w (%w)", errBadKey, err)
	}
	r := reader{lines: d.lines}
	use = r.next("use")
	key = parse(&r, name, base64.StdEncoding.Strict().DecodeString)
	if err := r.end(); err != nil {
		return "", nil, fmt.Errorf("%w (%w)", errBadKey, err)
	}
	if len(key) != size || use != useVendor && use != useDevelop {
		return "", nil, errBadKey
	}
	return use, key, nil
}
