// The pictures of the README: a few screenshots, made smaller by the browser, which needs no other tool for it.

import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The screenshots, and the names of the pictures. */
const PICTURES = {
  "console-request-to-decide-1280-light": "console-request",
  "console-access-1280-light": "console-access",
};

const MAX_BYTES = 150_000;
const QUALITY = 0.82;

/** Writes the pictures, and reports those that are missing or too large. */
export async function writePictures(browser, screenshots, folder, checks) {
  const page = await browser.newPage();
  for (const [screenshot, name] of Object.entries(PICTURES)) {
    const png = readFileSync(join(screenshots, `${screenshot}.png`)).toString("base64");
    const webp = await page.evaluate(async ([data, quality]) => {
      const image = new Image();
      image.src = `data:image/png;base64,${data}`;
      await image.decode();
      const canvas = Object.assign(document.createElement("canvas"), { width: image.width, height: image.height });
      canvas.getContext("2d").drawImage(image, 0, 0);
      return canvas.toDataURL("image/webp", quality).split(",")[1];
    }, [png, QUALITY]);
    const path = join(folder, `${name}.webp`);
    writeFileSync(path, Buffer.from(webp, "base64"));
    checks.holds(statSync(path).size <= MAX_BYTES, `${path} has more than ${MAX_BYTES} bytes`);
    console.log(`browser: wrote ${path}, ${statSync(path).size} bytes`);
  }
  await page.close();
}
