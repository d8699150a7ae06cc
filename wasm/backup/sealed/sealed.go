// Package sealed is the file in which a binding is moved from one browser to another of the same person.
//
//	"imkey-connect binding" 0A   22 bytes
//	version 01
//	SHA-256 of all that follows  32 bytes
//	an age file (age-encryption.org/v1), encrypted to a passphrase
//
// Inside is the record as package binding encodes it, which has a version of its own. The digest tells a damaged file from a
// wrong passphrase before anybody waits for the latter; it keeps no secret and authenticates nothing, which age does. The
// passphrase is in Unicode's NFKC, so that it is the same from every keyboard. `tail -c +56 FILE | age -d` opens it, too.
package sealed

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"filippo.io/age"

	"imkey-connect/core/binding"
	"imkey-connect/core/errcode"
)

const (
	magic   = "imkey-connect binding\n"
	version = 1
	header  = len(magic) + 1 + sha256.Size

	// MaxFile is far more than any binding takes.
	MaxFile = 1 << 16
	// maxRecord is as much as the stores take.
	maxRecord = MaxFile - 1<<12

	// MinPassphrase is how many characters a passphrase has at least when a file is made, and MaxPassphrase how many bytes at
	// most.
	MinPassphrase = 8
	MaxPassphrase = 1 << 10

	// Work is scrypt's for new files: 2^17 blocks of 1 kB, which OWASP's password storage cheat sheet has as the least for r = 8, and which
	// a person waits a second or two for in WebAssembly. A file may ask for twice that and no more, so that it can neither hang
	// a page nor exhaust its memory.
	Work    = 17
	maxWork = 18
)

// CheckNew says invalid-argument (reason passphrase) of a passphrase that is too short to protect a file, or too long.
func CheckNew(passphrase string) error {
	if utf8.RuneCountInString(passphrase) < MinPassphrase {
		return badPassphrase("a passphrase has at least 8 characters")
	}
	return check(passphrase)
}

func check(passphrase string) error {
	if passphrase == "" || len(passphrase) > MaxPassphrase {
		return badPassphrase("the passphrase is empty, or far too long")
	}
	return nil
}

func badPassphrase(why string) error {
	e := errcode.New(errcode.InvalidArgument, why)
	e.Data = map[string]any{"reason": "passphrase"}
	return e
}

// Seal makes a file of a record, with 2^logN as scrypt's cost: [Work], or less in a test. The passphrase is in NFKC. A bad one
// is invalid-argument, as CheckNew says.
func Seal(record []byte, passphrase string, logN int) ([]byte, error) {
	if err := CheckNew(passphrase); err != nil {
		return nil, err
	}
	if len(record) > maxRecord {
		return nil, errcode.New(errcode.Internal, "a record that is far too long")
	}
	recipient, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return nil, errcode.Wrap(errcode.Internal, "encrypt", err)
	}
	recipient.SetWorkFactor(logN)
	var encrypted bytes.Buffer
	w, err := age.Encrypt(&encrypted, recipient)
	if err == nil {
		_, err = w.Write(record)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, errcode.Wrap(errcode.Internal, "encrypt", err)
	}
	return envelope(encrypted.Bytes()), nil
}

func envelope(encrypted []byte) []byte {
	digest := sha256.Sum256(encrypted)
	return append(append(append([]byte(magic), version), digest[:]...), encrypted...)
}

// Open gives the record in a file, which the caller wipes. Errors are file-invalid (reason not-a-binding, damaged or version),
// wrong-passphrase, and invalid-argument for a passphrase that is none.
func Open(file []byte, passphrase string) ([]byte, error) {
	if err := check(passphrase); err != nil {
		return nil, err
	}
	encrypted, err := Parse(file)
	if err != nil {
		return nil, err
	}
	identity, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return nil, errcode.Wrap(errcode.Internal, "decrypt", err)
	}
	identity.SetMaxWorkFactor(maxWork)
	plain, err := age.Decrypt(bytes.NewReader(encrypted), identity)
	if err != nil {
		var no *age.NoIdentityMatchError
		if errors.As(err, &no) && len(no.StanzaTypes) == 1 && no.StanzaTypes[0] == "scrypt" {
			return nil, errcode.New(errcode.WrongPassphrase, "the file was encrypted with another passphrase")
		}
		return nil, damaged()
	}
	record := make([]byte, 0, maxRecord)
	for {
		n, err := plain.Read(record[len(record):cap(record)])
		record = record[:len(record)+n]
		if err == io.EOF {
			return record, nil
		}
		if err != nil || len(record) == cap(record) {
			clear(record)
			return nil, damaged()
		}
	}
}

// Parse gives the age file in a file that is whole, or file-invalid.
func Parse(file []byte) ([]byte, error) {
	switch {
	case len(file) <= len(magic) && len(file) > 0 && strings.HasPrefix(magic, string(file)):
		return nil, damaged()
	case !bytes.HasPrefix(file, []byte(magic)), len(file) > MaxFile:
		return nil, binding.InvalidFile("not-a-binding", "the file is no exported binding")
	case file[len(magic)] > version:
		return nil, binding.InvalidFile("version", "the file is of a later version")
	case len(file) < header, file[len(magic)] != version:
		return nil, damaged()
	}
	encrypted := file[header:]
	if sha256.Sum256(encrypted) != [sha256.Size]byte(file[len(magic)+1:header]) {
		return nil, damaged()
	}
	return encrypted, nil
}

func damaged() error { return binding.InvalidFile("damaged", "the file was changed or is not whole") }
