// Drives the npm package webdav, as tests/npm.py asks: one JSON document in, one out.
// In: the address, the login, and steps, each the name of an operation and its arguments.
// Out: for each step { value }, or { status, message } of what the package threw.
import { createReadStream } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { createClient } from "webdav";

const { url, username, password, steps } = await json(process.stdin);
const client = createClient(url, { username, password });

const operations = {
    ...client,

    async putFile(source, target, options) {
        return client.putFileContents(target, await readFile(source), options);
    },

    // As a stream, whose length nobody knows: it is sent in chunks.
    streamFile(source, target, options) {
        return new Promise((resolve, reject) => {
            const sink = client.createWriteStream(target, options, (response) => {
                resolve(response.status);
            });
            sink.on("error", reject);
            createReadStream(source).pipe(sink);
        });
    },

    async readPart(path, range) {
        return Buffer.concat(await client.createReadStream(path, { range }).toArray());
    },

    // The two properties by name: the package's own getQuota asks for all, and is told none.
    async askQuota(path) {
        const names = ["quota-available-bytes", "quota-used-bytes"];
        const asked = names.map((name) => `<D:${name}/>`).join("");
        const response = await client.customRequest(path, {
            method: "PROPFIND",
            headers: { Depth: "0" },
            data: `<D:propfind xmlns:D="DAV:"><D:prop>${asked}</D:prop></D:propfind>`,
        });
        const text = await response.text();
        return Object.fromEntries(
            names.map((name) => [name, Number(text.match(`<D:${name}>(\\d+)<`)?.[1])]),
        );
    },

    // All at once: nothing in JavaScript waits unless it is told to.
    async putFolder(source, target) {
        await client.createDirectory(target);
        const names = await readdir(source);
        return Promise.all(
            names.map((name) =>
                operations.putFile(join(source, name), `${target}/${name}`, { overwrite: false }),
            ),
        );
    },
};

function shown(value) {
    return Buffer.isBuffer(value) ? { base64: value.toString("base64") } : (value ?? null);
}

const outcomes = [];
for (const [operation, ...given] of steps) {
    try {
        outcomes.push({ value: shown(await operations[operation](...given)) });
    } catch (error) {
        outcomes.push({ status: error.status ?? 0, message: error.message });
    }
}
console.log(JSON.stringify(outcomes));
