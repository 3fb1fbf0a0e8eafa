// SPDX-License-Identifier: MIT
// Judges requests with other people's libraries: one JSON object a line in, one a line out.
//
// In: {"scheme", "secret", "at" (unix seconds, what the library takes for now), "headers" (names in
// small letters), "body" (base64)}. Out: {"ok": true, "found": what the library made of it} or
// {"ok": false, "why": its words}. A library that cannot be loaded ends the program.
import { createInterface } from "node:readline";
import { createHmac, createPublicKey, timingSafeEqual, verify as verifyBytes } from "node:crypto";
import { verify as verifyGithub } from "@octokit/webhooks-methods";
import { HTTP } from "cloudevents";
import { Webhook as StandardWebhook } from "standardwebhooks";
import { Webhook as SvixWebhook } from "svix";
import Stripe from "stripe";

const stripe = new Stripe("sk_test_unused");

function same(a, b) {
    const [x, y] = [Buffer.from(a), Buffer.from(b)];
    if (x.length !== y.length || !timingSafeEqual(x, y)) throw new Error("the signature does not fit");
}

const schemes = {
    standardwebhooks: ({ secret, headers }, body) =>
        new StandardWebhook(secret).verify(body.toString(), headers),
    svix: ({ secret, headers }, body) => new SvixWebhook(secret).verify(body.toString(), headers),
    stripe: ({ secret, headers, at }, body) =>
        stripe.webhooks.constructEvent(body, headers["stripe-signature"], secret, 300, undefined, at * 1000),
    github: async ({ secret, headers }, body) => {
        if (!(await verifyGithub(secret, body.toString(), headers["x-hub-signature-256"])))
            throw new Error("the signature does not fit");
        return true;
    },
    cloudevents: ({ headers }, body) => HTTP.toEvent({ headers, body: body.toString() }),
    // No package verifies these alone; what follows is each service's own description.
    // Standard Webhooks 1.0.0, v1a: ed25519 over id.timestamp.body; the public key is "whpk_" + base64.
    ed25519: ({ secret, headers }, body) => {
        const raw = Buffer.from(secret.replace(/^whpk_/, ""), "base64");
        const key = createPublicKey({
            key: { kty: "OKP", crv: "Ed25519", x: raw.toString("base64url") },
            format: "jwk",
        });
        const signed = Buffer.concat([
            Buffer.from(`${headers["webhook-id"]}.${headers["webhook-timestamp"]}.`),
            body,
        ]);
        const found = headers["webhook-signature"].split(" ").some((one) => {
            const [version, signature] = one.split(",");
            return version === "v1a" && verifyBytes(null, signed, key, Buffer.from(signature, "base64"));
        });
        if (!found) throw new Error("the signature does not fit");
        return true;
    },
    // https://docs.slack.dev/authentication/verifying-requests-from-slack
    slack: ({ secret, headers, at }, body) => {
        const time = headers["x-slack-request-timestamp"];
        if (Math.abs(at - Number(time)) > 300) throw new Error("too old");
        const mac = createHmac("sha256", secret).update(`v0:${time}:`).update(body).digest("hex");
        same(`v0=${mac}`, headers["x-slack-signature"]);
        return true;
    },
    // https://shopify.dev/docs/apps/build/webhooks/subscribe/https
    shopify: ({ secret, headers }, body) => {
        same(createHmac("sha256", secret).update(body).digest("base64"), headers["x-shopify-hmac-sha256"]);
        return true;
    },
};

const realNow = Date.now;
for await (const line of createInterface({ input: process.stdin })) {
    const job = JSON.parse(line);
    let answer;
    Date.now = job.at ? () => job.at * 1000 : realNow;
    try {
        const found = await schemes[job.scheme](job, Buffer.from(job.body, "base64"));
        answer = { ok: true, found };
    } catch (error) {
        answer = { ok: false, why: String(error.message) };
    }
    Date.now = realNow;
    console.log(JSON.stringify(answer));
}
