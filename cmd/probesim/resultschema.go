package main

import _ "embed"

// resultSchemaJSON is the JSON Schema, draft 2020-12, of what the commands print
// with -o json. It is made from the types that they write; a test holds it to
// them, and every command to it.
//
//go:embed results.schema.json
var resultSchemaJSON []byte

// resultSchemaID names the schema; nobody need be able to fetch it.
const resultSchemaID = "https://github.com/probesim/probesim/cmd/probesim/results.schema.json"
