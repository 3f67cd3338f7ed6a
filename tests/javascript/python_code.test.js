import assert from "node:assert/strict";
import { test } from "node:test";
import { pythonArguments } from "../../mbot_nb/widgets/static/panels/python_code.js";

test("values are written as Python writes them", () => {
  assert.equal(
    pythonArguments({ speed: 40, loud: true, quiet: false, name: 'a "b"', gone: null }),
    'speed=40, loud=True, quiet=False, name="a \\"b\\"", gone=None',
  );
  assert.equal(
    pythonArguments({ leds: [[1, 2], []], more: { on: true } }),
    'leds=[[1, 2], []], more={"on": True}',
  );
});

test("names that are none in Python go as a dict", () => {
  assert.equal(pythonArguments({ a: 1, "b-c": 2 }), 'a=1, **{"b-c": 2}');
  assert.equal(pythonArguments({}), "");
});
