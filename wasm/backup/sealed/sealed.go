// Package sealed reads and writes the file by which a user moves a binding from one browser to another:
//
//	"imkey-connect binding" 0A   22 bytes
//	version 01
//	SHA-256 of all that follows  32 bytes
//	an age file (age-encryption.org/v1), encrypted to a passphrase
//
// The age file contains the record as package binding encodes it, with a version of its own. The digest tells a damaged file
// from a wrong passphrase before the user waits for the decryption. It does not authenticate the file; age does. The
// passphrase is in the Unicode form NFKC, so that it is the same from every keyboard. `tail -c +56 FILE | age -d` opens the
// file, too.
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

	// MaxFile is the size of the largest file in bytes. A binding needs far less.
	MaxFile = 1 << 16
	// maxRecord is the size of the largest record in bytes.
	maxRecord = MaxFile - 1<<12

	// MinPassphrase is the smallest number of characters in the passphrase of a new file.
	MinPassphrase = 8
	// MaxPassphrase is the largest number of bytes in a passphrase.
	MaxPassphrase = 1 << 10

	// Work is the work factor of scrypt for new files: 2^17 blocks of 1 kB. That is the minimum for r = 8 in OWASP's password
	// storage cheat sheet. In WebAssembly it takes one to two seconds.
	Work = 17
	// maxWork is the largest work factor that a file may have, so that a file cannot hang the page or exhaust its memory.
	maxWork = 18
)

// CheckNew returns an error with code invalid-argument (reason passphrase) for a passphrase that is too short for a new file, or
// too long.
func CheckNew(passphrase string) error {
	if utf8.RuneCountInString(passphrase) < MinPassphrase {
		return badPassphrase("a passphrase has at least 8 characters")
	}
	return check(passphrase)
}

func check(passphrase string) error {
	if passphrase == "" || len(passphrase) > MaxPassphrase {
		return badPassphrase("the passphrase is empty or too long")
	}
	return nil
}

func badPassphrase(why string) error {
	return errcode.Because(errcode.InvalidArgument, "passphrase", why)
}

// Seal returns a file with the record. logN is the work factor of scrypt: [Work], or less in a test. The passphrase must be in
// NFKC. For a bad one the error is that of [CheckNew].
func Seal(record []byte, passphrase string, logN int) ([]byte, error) {
	if err := CheckNew(passphrase); err != nil {
		return nil, err
	}
	if len(record) > maxRecord {
		return nil, errcode.New(errcode.Internal, "the record is too long")
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

// Open returns the record in a file. The caller wipes it. Errors have code file-invalid (reason not-a-binding, damaged or
// version), wrong-passphrase, or invalid-argument for an empty or too long passphrase.
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

// Parse returns the age file in a file. It checks everything but the passphrase. Errors have code file-invalid.
func Parse(file []byte) ([]byte, error) {
	switch {
	case len(file) <= len(magic) && len(file) > 0 && strings.HasPrefix(magic, string(file)):
		return nil, damaged()
	case !bytes.HasPrefix(file, []byte(magic)), len(file) > MaxFile:
		return nil, binding.InvalidFile("not-a-binding", "the file is not an exported binding")
	case file[len(magic)] > version:
		return nil, binding.InvalidFile("version", "the file has a later version")
	case len(file) < header, file[len(magic)] != version:
		return nil, damaged()
	}
	encrypted := file[header:]
	if sha256.Sum256(encrypted) != [sha256.Size]byte(file[len(magic)+1:header]) {
		return nil, damaged()
	}
	return encrypted, nil
}

func damaged() error { return binding.InvalidFile("damaged", "the file was changed or is incomplete") }
