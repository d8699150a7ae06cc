package binding

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/attestation/attestationtest"
	"imkey-connect/core/bindcode"
	"imkey-connect/core/errcode"
	"imkey-connect/core/secp256k1"
	"imkey-connect/core/tlv"
)

// full is a record with every field and fixed values.
func full() *Record {
	return &Record{
		SEID: "19060000000200860001010000000014", Serial: "imKey01191200001", State: Bound,
		App: secp256k1.PrivateKey(attestationtest.NewKey("a record's app").Serialize()),
		SE:  secp256k1.PublicKey(attestationtest.NewKey("a record's secure element").Public()), HasSE: true,
		Trust: Verified, CA: secp256k1.PublicKey(attestationtest.NewKey("a record's CA").Public()),
		Created: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), BoundAt: time.Date(2026, 1, 2, 3, 5, 0, 0, time.UTC),
		Code: bindcode.Code([]byte("PVU3FY64")), HasCode: true,
		Name: "冷钱包 №1",
	}
}

// records are the forms of records that the state machine writes.
func records() map[string]*Record {
	pending := full()
	*pending = Record{SEID: pending.SEID, Serial: pending.Serial, State: Pending, App: pending.App, Created: pending.Created}
	sent := full()
	sent.State, sent.BoundAt = VerifySent, time.Time{}
	accepted := full()
	accepted.Trust, accepted.CA = Accepted, secp256k1.PublicKey{}
	accepted.HasCode, accepted.Code = false, bindcode.Code{}
	accepted.Name = ""
	imported, former := full(), full()
	imported.distrust()
	imported.Name, former.State = "", Former
	unnamed := *imported // a file that names no secure element
	unnamed.Claim, unnamed.HasClaim = secp256k1.PublicKey{}, false
	renewing, replacing, reused := full(), full(), full()
	renewing.Next, renewing.HasNext = secp256k1.PrivateKey(attestationtest.NewKey("a record's next app").Serialize()), true
	renewing.NextCode, renewing.HasNextCode = bindcode.Code([]byte("22222222")), true
	replacing.State, replacing.FromFile, replacing.Next, replacing.HasNext = Imported, true, renewing.Next, true
	reused.FromFile = true
	return map[string]*Record{"full": full(), "pending": pending, "verify-sent": sent, "accepted": accepted, "imported": imported,
		"former": former, "imported without a claim": &unnamed, "two keys": renewing, "imported, two keys": replacing, "from a file": reused}
}

func TestRecordRoundTrip(t *testing.T) {
	for _, fromFile := range []bool{false, true} {
		r := records()["imported, two keys"]
		r.NextKept, r.NextFromFile = true, fromFile
		again, err := decodeRecord(r.encode())
		require.NoError(t, err)
		require.Equal(t, r, again)
	}
	for name, r := range records() {
		again, err := decodeRecord(r.encode())
		require.NoError(t, err, name)
		require.Equal(t, r, again, name)
	}
}

// Records of all earlier versions stay readable. Do not regenerate the file.
func TestVersion1StaysReadable(t *testing.T) {
	text, err := os.ReadFile("testdata/record-v1.hex")
	require.NoError(t, err)
	b, err := hex.DecodeString(strings.Join(strings.Fields(string(text)), ""))
	require.NoError(t, err)
	r, err := decodeRecord(b)
	require.NoError(t, err)
	want := full()
	want.Name = ""
	require.Equal(t, want, r)
}

// damaged asserts that b is refused or is the encoding of another record.
func damaged(t *testing.T, b []byte, name string) {
	t.Helper()
	r, err := decodeRecord(b)
	if err != nil {
		require.Equal(t, errcode.RecordCorrupt, errcode.Of(err), name)
		require.Nil(t, r, name)
		return
	}
	again := r.encode()
	newer, err := decodeRecord(again)
	require.NoError(t, err, name)
	require.Equal(t, r, newer, name)
	switch b[0] {
	case recordVersion:
		require.True(t, bytes.Equal(b, again), name)
	case 1:
		require.True(t, bytes.Equal(b[1:], again[1:]), name)
	default: // reading version 2 makes a claim of imported trust, and removes characters from names
		require.Equal(t, byte(2), b[0], name)
	}
}

func TestDamagedRecords(t *testing.T) {
	for name, r := range records() {
		good := r.encode()
		for n := range good {
			_, err := decodeRecord(good[:n])
			if err == nil {
				// Only a missing optional field at the end may go unnoticed here. The store authenticates the record.
				damaged(t, good[:n], fmt.Sprintf("%s, %d bytes", name, n))
				continue
			}
			require.Equal(t, errcode.RecordCorrupt, errcode.Of(err), "%s, %d bytes", name, n)
		}
		for i := range len(good) * 8 {
			bad := bytes.Clone(good)
			bad[i/8] ^= 1 << (i % 8)
			damaged(t, bad, fmt.Sprintf("%s, bit %d", name, i))
		}
		_, err := decodeRecord(append(bytes.Clone(good), 0))
		require.Equal(t, errcode.RecordCorrupt, errcode.Of(err), "%s with a byte more", name)
	}
}

func TestUnknownVersions(t *testing.T) {
	b := full().encode()
	for v := range 256 {
		b[0] = byte(v)
		_, err := decodeRecord(b)
		if v == recordVersion || v == 2 { // full has no field of version 3
			require.NoError(t, err)
		} else {
			require.Equal(t, errcode.RecordCorrupt, errcode.Of(err), "version %d", v)
		}
	}
}

func TestContradictoryRecords(t *testing.T) {
	fields, err := tlv.All(full().encode()[1:])
	require.NoError(t, err)
	build := func(change func(tag uint16, value []byte) [][]byte) []byte {
		b := []byte{recordVersion}
		for _, f := range fields {
			for _, v := range change(f.Tag, f.Value) {
				b = tlv.Append(b, f.Tag, v)
			}
		}
		return b
	}
	set := func(values map[uint16][]byte) []byte {
		return build(func(tag uint16, value []byte) [][]byte {
			if v, ok := values[tag]; ok {
				if v == nil {
					return nil
				}
				return [][]byte{v}
			}
			return [][]byte{value}
		})
	}
	set2 := func(values map[uint16][]byte, tag uint16, value []byte) []byte {
		return tlv.Append(set(values), tag, value)
	}
	_, err = decodeRecord(set(nil))
	require.NoError(t, err)
	for name, b := range map[string][]byte{
		"nothing":                      {},
		"a version alone":              {recordVersion},
		"bound without a key":          set(map[uint16][]byte{tagSE: nil, tagTrust: nil, tagCA: nil}),
		"verify-sent without a key":    set(map[uint16][]byte{tagState: {2}, tagSE: nil, tagTrust: nil, tagCA: nil}),
		"a key without trust":          set(map[uint16][]byte{tagTrust: nil, tagCA: nil}),
		"trust without a key":          set(map[uint16][]byte{tagSE: nil}),
		"verified without a CA":        set(map[uint16][]byte{tagCA: nil}),
		"accepted, with a CA":          set(map[uint16][]byte{tagTrust: {2}}),
		"bound at no time":             set(map[uint16][]byte{tagBoundAt: nil}),
		"bound at the zero time":       set(map[uint16][]byte{tagState: {1}, tagBoundAt: seconds(time.Time{})}),
		"state 0":                      set(map[uint16][]byte{tagState: {0}}),
		"state 6":                      set(map[uint16][]byte{tagState: {6}}),
		"imported, bound at no time":   set(map[uint16][]byte{tagState: {4}, tagBoundAt: nil}),
		"former, bound at no time":     set(map[uint16][]byte{tagState: {5}, tagBoundAt: nil}),
		"two keys, pending":            set2(map[uint16][]byte{tagState: {1}, tagBoundAt: nil}, tagNext, bytes.Repeat([]byte{1}, 32)),
		"two keys, verify-sent":        set2(map[uint16][]byte{tagState: {2}}, tagNext, bytes.Repeat([]byte{1}, 32)),
		"a second key of zero":         set2(nil, tagNext, make([]byte, 32)),
		"a kept key without a key":     set2(nil, tagNextKept, []byte{0}),
		"a kept key of origin 2":       append(set2(nil, tagNext, bytes.Repeat([]byte{1}, 32)), 0x90, 1, 2),
		"a kept key of no origin":      append(set2(nil, tagNext, bytes.Repeat([]byte{1}, 32)), 0x90, 0),
		"a second code without a key":  set2(nil, tagNextCode, []byte("PVU3FY64")),
		"a claim, not imported":        set2(nil, tagClaim, full().SE[:]),
		"a claim beside a key":         append(set2(map[uint16][]byte{tagState: {4}}, tagClaim, full().SE[:]), tagFromFile, 0),
		"imported, not from a file":    set(map[uint16][]byte{tagState: {4}}),
		"from a file, pending":         set2(map[uint16][]byte{tagState: {1}}, tagFromFile, nil),
		"from a file, verify-sent":     set2(map[uint16][]byte{tagState: {2}}, tagFromFile, nil),
		"from a file, with a value":    set2(nil, tagFromFile, []byte{1}),
		"former without a key":         set(map[uint16][]byte{tagState: {5}, tagSE: nil, tagTrust: nil, tagCA: nil}),
		"an empty name":                set(map[uint16][]byte{tagName: {}}),
		"a name with a space":          set(map[uint16][]byte{tagName: []byte("a ")}),
		"a name of 33":                 set(map[uint16][]byte{tagName: bytes.Repeat([]byte("a"), 33)}),
		"a name with a new line":       set(map[uint16][]byte{tagName: []byte("a\nb")}),
		"a name in Latin-1":            set(map[uint16][]byte{tagName: {0xE9}}),
		"trust 0":                      set(map[uint16][]byte{tagTrust: {0}, tagCA: nil}),
		"a private key of zero":        set(map[uint16][]byte{tagApp: make([]byte, 32)}),
		"a private key over the order": set(map[uint16][]byte{tagApp: bytes.Repeat([]byte{0xFF}, 32)}),
		"a public key off the curve":   set(map[uint16][]byte{tagSE: append([]byte{4}, make([]byte, 64)...)}),
		"a code with an O":             set(map[uint16][]byte{tagCode: []byte("PVU3FYO4")}),
		"a code in lower case":         set(map[uint16][]byte{tagCode: []byte("pvu3fy64")}),
		"a code of seven":              set(map[uint16][]byte{tagCode: []byte("PVU3FY6")}),
		"a code with a dash":           set(map[uint16][]byte{tagCode: []byte("PVU3-FY64")}),
		"a lower-case SEID":            set(map[uint16][]byte{tagSEID: []byte("1906000000020086000101000000001a")}),
		"a short SEID":                 set(map[uint16][]byte{tagSEID: []byte("1906")}),
		"no serial number":             set(map[uint16][]byte{tagSerial: {}}),
		"a serial number of 65":        set(map[uint16][]byte{tagSerial: bytes.Repeat([]byte("1"), 65)}),
		"a serial number of two lines": set(map[uint16][]byte{tagSerial: []byte("imKey\n1")}),
		"a serial number turned round": set(map[uint16][]byte{tagSerial: []byte("imKey\u202E1")}),
		"bound when no Date can tell":  set(map[uint16][]byte{tagBoundAt: seconds(time.Unix(8_640_000_000_001, 0))}),
		"and as long before":           set(map[uint16][]byte{tagBoundAt: seconds(time.Unix(-8_640_000_000_001, 0))}),
		"made at the end of all time":  set(map[uint16][]byte{tagCreated: bytes.Repeat([]byte{0x7F}, 8)}),
		"a time of 7 bytes":            set(map[uint16][]byte{tagCreated: make([]byte, 7)}),
	} {
		_, err := decodeRecord(b)
		require.Equal(t, errcode.RecordCorrupt, errcode.Of(err), name)
	}
	_, err = decodeRecord(set(map[uint16][]byte{tagBoundAt: seconds(time.Unix(lastSecond, 0)), tagCreated: seconds(time.Unix(-lastSecond, 0))}))
	require.NoError(t, err, "the first and last times of a Date")
	for _, f := range fields {
		b := build(func(tag uint16, value []byte) [][]byte {
			if tag == f.Tag {
				return [][]byte{value, value}
			}
			return [][]byte{value}
		})
		_, err := decodeRecord(b)
		require.Equal(t, errcode.RecordCorrupt, errcode.Of(err), "%X twice", f.Tag)
		switch f.Tag {
		case tagSEID, tagSerial, tagState, tagApp, tagCreated:
			_, err := decodeRecord(set(map[uint16][]byte{f.Tag: nil}))
			require.Equal(t, errcode.RecordCorrupt, errcode.Of(err), "without %X", f.Tag)
		}
	}
	_, err = decodeRecord(append(full().encode(), 0x90, 0))
	require.Equal(t, errcode.RecordCorrupt, errcode.Of(err), "a field of a later version")
	swapped := []byte{recordVersion}
	for i := len(fields) - 1; i >= 0; i-- {
		swapped = append(swapped, fields[i].Raw...)
	}
	_, err = decodeRecord(swapped)
	require.Equal(t, errcode.RecordCorrupt, errcode.Of(err), "fields in another order")
}

func TestRecordsShowNoSecret(t *testing.T) {
	r := full()
	app := hex.EncodeToString(r.App[:4])
	for _, v := range []any{r, *r} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%X", "%q", "%d"} {
			s := fmt.Sprintf(verb, v)
			require.NotContains(t, s, "PVU3")
			require.NotContains(t, strings.ToLower(s), hex.EncodeToString([]byte("PVU3")))
			require.NotContains(t, s, "80 86 85 51")
			require.NotContains(t, strings.ToLower(s), app)
			require.NotContains(t, s, strings.Trim(fmt.Sprint([4]byte(r.App[:4])), "[]"))
		}
	}
	_, err := decodeRecord(append(r.encode(), 0))
	require.NotContains(t, err.Error(), "PVU3")
	r.Wipe()
	require.Zero(t, [32]byte(r.App))
	require.Zero(t, [8]byte(r.Code))
	require.False(t, r.HasCode)
	(*Record)(nil).Wipe()
}

func TestValidSEID(t *testing.T) {
	require.True(t, ValidSEID("19060000000200860001010000000014"))
	for _, s := range []string{"", "1906", "1906000000020086000101000000001a", "../../../../../../../../../etc/p",
		"190600000002008600010100000000140", "1906000000020086000101000000001G"} {
		require.False(t, ValidSEID(s), s)
	}
}

// FuzzRecord checks that a decoded record encodes to the same bytes.
func FuzzRecord(f *testing.F) {
	for _, r := range records() {
		f.Add(r.encode())
	}
	f.Add([]byte{})
	f.Add([]byte{2})
	f.Fuzz(func(t *testing.T, b []byte) { damaged(t, b, "fuzzed") })
}
