package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/generated"
)

func TestNothingIsStale(t *testing.T) {
	require.NoError(t, generated.Check(outputs))
}
