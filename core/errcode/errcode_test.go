package errcode_test

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/errcode"
)

// All lists the declared codes once, in the same order.
func TestAllIsComplete(t *testing.T) {
	names, err := filepath.Glob("*.go")
	require.NoError(t, err)
	var declared []errcode.Code
	inspect := func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok {
			if id, ok := v.Type.(*ast.Ident); ok && id.Name == "Code" {
				for _, e := range v.Values {
					s, err := strconv.Unquote(e.(*ast.BasicLit).Value)
					require.NoError(t, err)
					declared = append(declared, errcode.Code(s))
				}
			}
		}
		return true
	}
	for _, name := range names {
		if !strings.HasSuffix(name, "_test.go") {
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			require.NoError(t, err)
			ast.Inspect(file, inspect)
		}
	}
	require.Equal(t, declared, errcode.All())
	seen := map[errcode.Code]bool{}
	for _, c := range errcode.All() {
		require.Regexp(t, `^[a-z]+(-[a-z]+)*$`, string(c))
		require.False(t, seen[c], "%s twice", c)
		seen[c] = true
	}
}

// Other programs rely on the names. The list may grow, but no name may change.
func TestNamesAreStable(t *testing.T) {
	for _, name := range []string{"unsupported", "no-device", "request-cancelled", "permission-denied", "not-imkey",
		"boot-loader", "device-disconnected", "device-busy", "in-use-elsewhere", "timeout", "aborted", "protocol",
		"user-rejected", "code-format", "wrong-code", "code-locked", "not-bound", "bound-elsewhere", "untrusted-device",
		"device-mismatch", "device-changed", "locked", "wallet-missing", "in-menu", "applet-missing", "storage", "storage-full",
		"record-corrupt", "invalid-argument", "unsupported-method", "internal"} {
		require.Contains(t, errcode.All(), errcode.Code(name))
	}
}

func TestRetryable(t *testing.T) {
	final := map[errcode.Code]bool{}
	for _, c := range []errcode.Code{errcode.Unsupported, errcode.NotIMKey, errcode.Protocol, errcode.NotBound,
		errcode.BoundElsewhere, errcode.UntrustedDevice, errcode.DeviceMismatch, errcode.DeviceChanged, errcode.AppletMissing, errcode.AppletOutdated,
		errcode.RecordCorrupt, errcode.RecordExists, errcode.FileInvalid, errcode.InvalidArgument, errcode.UnsupportedMethod, errcode.Internal} {
		final[c] = true
	}
	for _, c := range errcode.All() {
		require.Equal(t, !final[c], c.Retryable(), c)
	}
}

func TestOf(t *testing.T) {
	cause := errors.New("cause")
	inner := errcode.New(errcode.Timeout, "inner")
	for name, c := range map[string]struct {
		err  error
		want errcode.Code
	}{
		"nil":                        {nil, ""},
		"a bare code":                {errcode.WrongCode, errcode.WrongCode},
		"an error":                   {inner, errcode.Timeout},
		"wrapped by fmt":             {fmt.Errorf("x: %w", inner), errcode.Timeout},
		"the outermost of two":       {errcode.Wrap(errcode.Protocol, "outer", inner), errcode.Protocol},
		"joined: the first":          {errors.Join(errcode.New(errcode.WrongCode, ""), errcode.New(errcode.Storage, "")), errcode.WrongCode},
		"joined after another error": {errors.Join(cause, inner), errcode.Timeout},
		"joined: a bare code":        {errors.Join(cause, errcode.Storage), errcode.Storage},
		"a joined nil":               {errors.Join(nil, inner), errcode.Timeout},
		"a context's cancellation":   {fmt.Errorf("x: %w", context.Canceled), errcode.Aborted},
		"a context's deadline":       {context.DeadlineExceeded, errcode.Timeout},
		"an error without a code":    {cause, errcode.Internal},
	} {
		require.Equal(t, c.want, errcode.Of(c.err), name)
	}
}

func TestErrorIsAndUnwrap(t *testing.T) {
	cause := errors.New("cause")
	err := fmt.Errorf("around: %w", errcode.Wrap(errcode.Locked, "select", cause))
	require.ErrorIs(t, err, errcode.Locked)
	require.ErrorIs(t, err, cause)
	require.NotErrorIs(t, err, errcode.InMenu)
	require.Equal(t, "around: locked: select: cause", err.Error())
	require.Equal(t, "locked", errcode.New(errcode.Locked, "").Error())
	require.Equal(t, "locked: x (status word F081)", (&errcode.Error{Code: errcode.Locked, Op: "x", StatusWord: 0xF081}).Error())
	joined := errors.Join(errcode.New(errcode.WrongCode, "a"), errcode.New(errcode.Storage, "b"))
	require.ErrorIs(t, joined, errcode.WrongCode)
	require.ErrorIs(t, joined, errcode.Storage)
}

func TestDetailHoldsNoCode(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{nil, ""},
		{errcode.Locked, ""},
		{errcode.New(errcode.Locked, ""), ""},
		{errcode.New(errcode.NotBound, "sign"), "sign"},
		{&errcode.Error{Code: errcode.Locked, Op: "select", StatusWord: 0xF081}, "select (status word F081)"},
		{&errcode.Error{Code: errcode.Locked, StatusWord: 0xF081}, "(status word F081)"},
		{&errcode.Error{Code: errcode.Locked, Op: "select", StatusWord: 0xF081, Err: errors.New("status word F081")}, "select: status word F081"},
		{errcode.Wrap(errcode.Timeout, "outer", errcode.Wrap(errcode.Protocol, "inner", errors.New("cause"))), "outer: inner: cause"},
		{errcode.Wrap(errcode.Timeout, "", errcode.Wrap(errcode.Protocol, "inner", errcode.Storage)), "inner"},
		{errors.Join(errcode.New(errcode.WrongCode, "a"), errcode.Locked, errcode.New(errcode.Storage, "b")), "a; b"},
		{errors.New("cause"), "cause"},
	} {
		require.Equal(t, c.want, errcode.Detail(c.err), "%v", c.err)
	}
}

func TestFromContext(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	err := errcode.FromContext("op", cancelled.Err())
	require.Equal(t, errcode.Aborted, err.Code)
	require.ErrorIs(t, err, context.Canceled)
	late, stop := context.WithTimeout(t.Context(), -1)
	defer stop()
	err = errcode.FromContext("op", late.Err())
	require.Equal(t, errcode.Timeout, err.Code)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NotErrorIs(t, err, errcode.Aborted)
}

func TestInvalidSaysWhereAndWhy(t *testing.T) {
	err := errcode.Invalid("transaction.to", "missing")
	require.ErrorIs(t, err, errcode.InvalidArgument)
	require.Equal(t, "invalid-argument: transaction.to: missing", err.Error())
	require.Equal(t, map[string]any{"at": "transaction.to", "reason": "missing"}, err.Data)
	require.Less(t, len(errcode.Invalid(strings.Repeat("x", 1000), "y").Data["at"].(string)), 210, "long names are cut")
}
