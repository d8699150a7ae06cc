package sealed

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/stretchr/testify/require"

	"imkey-connect/core/errcode"
)

const passphrase = "correct horse battery"

// quick is a low work factor for tests.
const quick = 4

var record = []byte("a record with ABCD2345 in it")

func sealedFile(t testing.TB) []byte {
	file, err := Seal(record, passphrase, quick)
	require.NoError(t, err)
	return file
}

func requireInvalid(t *testing.T, reason string, err error, of ...any) {
	t.Helper()
	require.ErrorIs(t, err, errcode.FileInvalid, of...)
	var e *errcode.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, reason, e.Data["reason"], of...)
}

func TestRoundTrip(t *testing.T) {
	for _, r := range [][]byte{record, {}, bytes.Repeat([]byte{7}, maxRecord-1)} {
		file, err := Seal(r, passphrase, quick)
		require.NoError(t, err)
		require.NotContains(t, string(file), "ABCD2345")
		again, err := Open(file, passphrase)
		require.NoError(t, err)
		require.Equal(t, r, again)
	}
	_, err := Seal(make([]byte, maxRecord+1), passphrase, quick)
	require.ErrorIs(t, err, errcode.Internal)
	require.NotEqual(t, sealedFile(t), sealedFile(t), "every file has its own salt")
}

func TestWorkFactor(t *testing.T) {
	file, err := Seal(record, passphrase, Work)
	require.NoError(t, err)
	require.Contains(t, string(file[:200]), "\n-> scrypt ")
	line, _, _ := strings.Cut(string(file[strings.Index(string(file), "-> scrypt"):]), "\n")
	require.True(t, strings.HasSuffix(line, " 17"), line)
	again, err := Open(file, passphrase)
	require.NoError(t, err)
	require.Equal(t, record, again)
}

func TestPassphrases(t *testing.T) {
	file := sealedFile(t)
	for _, wrong := range []string{"correct horse batterY", passphrase + " ", "x", strings.Repeat("x", MaxPassphrase)} {
		_, err := Open(file, wrong)
		require.ErrorIs(t, err, errcode.WrongPassphrase, wrong)
		require.NotContains(t, err.Error(), wrong)
	}
	for _, none := range []string{"", strings.Repeat("x", MaxPassphrase+1)} {
		_, err := Open(file, none)
		require.ErrorIs(t, err, errcode.InvalidArgument)
	}
	for _, weak := range []string{"", "1234567", "密码密码密码密", strings.Repeat("x", MaxPassphrase+1)} {
		_, err := Seal(record, weak, Work)
		require.ErrorIs(t, err, errcode.InvalidArgument, weak)
	}
	require.NoError(t, CheckNew("密码密码密码密码"), "eight characters of any script")
}

// Every truncation and every flipped bit is noticed, and does not look like a wrong passphrase.
func TestDamagedFiles(t *testing.T) {
	file := sealedFile(t)
	for n := range file {
		_, err := Open(file[:n], passphrase)
		reason := "damaged"
		if n == 0 {
			reason = "not-a-binding"
		}
		requireInvalid(t, reason, err, n)
	}
	for i := range len(file) * 8 {
		bad := bytes.Clone(file)
		bad[i/8] ^= 1 << (i % 8)
		_, err := Open(bad, passphrase)
		reason := "damaged"
		switch {
		case i/8 < len(magic):
			reason = "not-a-binding"
		case i/8 == len(magic) && bad[i/8] > version:
			reason = "version"
		}
		requireInvalid(t, reason, err, i)
	}
	_, err := Open(append(bytes.Clone(file), 0), passphrase)
	requireInvalid(t, "damaged", err)
}

func TestOtherFiles(t *testing.T) {
	for name, file := range map[string][]byte{
		"nothing": {}, "a picture": []byte("\x89PNG\r\n\x1a\n"), "an age file": sealedFile(t)[header:],
		"a long one": append([]byte(magic), make([]byte, MaxFile)...),
	} {
		_, err := Open(file, passphrase)
		requireInvalid(t, "not-a-binding", err, name)
	}
	future := sealedFile(t)
	future[len(magic)] = 2
	_, err := Open(future, passphrase)
	requireInvalid(t, "version", err)
}

// Files with a valid envelope and invalid content, as an attacker may make them.
func TestHostileFiles(t *testing.T) {
	mine, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	var toKey bytes.Buffer
	w, err := age.Encrypt(&toKey, mine.Recipient())
	require.NoError(t, err)
	require.NoError(t, w.Close())
	large, err := age.NewScryptRecipient(passphrase)
	require.NoError(t, err)
	large.SetWorkFactor(quick)
	var tooLong bytes.Buffer
	w, err = age.Encrypt(&tooLong, large)
	require.NoError(t, err)
	_, err = w.Write(make([]byte, maxRecord))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	good := string(sealedFile(t)[header:])
	line, _, _ := strings.Cut(good[strings.Index(good, "-> scrypt"):], "\n")
	for name, inside := range map[string]string{
		"nothing":            "",
		"text":               "hello",
		"to a key":           toKey.String(),
		"longer than any":    tooLong.String(),
		"cut":                good[:len(good)-1],
		"without a header":   good[100:],
		"a wrong header MAC": strings.Replace(good, "\n--- ", "\n--- A", 1),
	} {
		_, err := Open(envelope([]byte(inside)), passphrase)
		requireInvalid(t, "damaged", err, name)
	}
	// Each of these work factors would take minutes and gigabytes.
	for _, n := range []int{19, 22, 30, 63, 1 << 20} {
		hard := strings.Replace(good, line, strings.TrimSuffix(line, fmt.Sprint(quick))+fmt.Sprint(n), 1)
		require.NotEqual(t, good, hard)
		_, err := Open(envelope([]byte(hard)), passphrase)
		requireInvalid(t, "damaged", err, n)
	}
}

// FuzzParse checks that a parsed file encodes to the same bytes.
func FuzzParse(f *testing.F) {
	f.Add(sealedFile(f))
	f.Add([]byte(magic))
	f.Add(envelope(nil))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		encrypted, err := Parse(b)
		if err != nil {
			require.Equal(t, errcode.FileInvalid, errcode.Of(err))
			return
		}
		require.Equal(t, b, envelope(encrypted))
	})
}

// FuzzOpen checks that a file with a valid digest is refused unless it was made with this passphrase.
func FuzzOpen(f *testing.F) {
	good := sealedFile(f)[header:]
	f.Add(good)
	f.Add(good[:40])
	f.Add([]byte("age-encryption.org/v1\n-> scrypt AAAAAAAAAAAAAAAAAAAAAA 4\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if bytes.Contains(b, []byte("scrypt")) && !bytes.Contains(b, []byte(" 4\n")) {
			return // it may ask for more work than a fuzzer has time for
		}
		r, err := Open(envelope(b), passphrase)
		if err == nil {
			require.Equal(t, record, r)
			return
		}
		require.Contains(t, []errcode.Code{errcode.FileInvalid, errcode.WrongPassphrase}, errcode.Of(err))
	})
}
