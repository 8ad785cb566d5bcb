// Plays the arena's page in headless Chromium as a person would: opens it, holds arrow keys for
// so many seconds, and until it has moved and sees others, keeps a picture, and leaves.
//
//   node page_client.mjs URL SECONDS CHROMIUM PICTURE      (NODE_PATH finds playwright-core)
//
// Prints "joined" once the server has welcomed the page; ends with 0 only if all of it worked.
import { createRequire } from 'node:module';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const { chromium } = createRequire(import.meta.url)('playwright-core');
const [url, seconds, executablePath, picture] = process.argv.slice(2);
if (!picture) {
  console.error('usage: node page_client.mjs URL SECONDS CHROMIUM PICTURE');
  process.exit(2);
}

const START_LIMIT_MS = 50_000;
const PLAY_MS = seconds * 1000;
const PLAY_LIMIT_MS = PLAY_MS + 25_000;
const LEAVE_LIMIT_MS = 5_000;
const KEYS = ['ArrowRight', 'ArrowDown', 'ArrowLeft', 'ArrowUp'];
const KEY_HELD_MS = 250;

const profile = mkdtempSync(join(tmpdir(), 'arena-page-'));
let browser;
try {
  browser = await chromium.launchPersistentContext(profile, {
    executablePath,
    headless: true,
    timeout: START_LIMIT_MS,
    viewport: { width: 1024, height: 720 },
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync'],
  });
  await play(await browser.newPage());
} catch (error) {
  console.error(`page: ${error.message}`);
  process.exitCode = 1;
} finally {
  await browser?.close();
  rmSync(profile, { recursive: true, force: true });
}

async function play(page) {
  page.setDefaultTimeout(START_LIMIT_MS);
  page.on('console', (message) => console.log(`console: ${message.text()}`));
  page.on('pageerror', (error) => {
    console.error(`page: ${error.message}`);
    process.exitCode = 1;
  });
  await page.goto(url);
  await page.waitForFunction(() => window.arena?.joined === true);
  console.log('joined');
  const start = Date.now();
  for (let turn = 0; ; turn += 1) {
    const seen = await page.evaluate(() => ({
      moved: window.arena.moved, others: window.arena.others,
    }));
    if (seen.moved === true && seen.others > 0 && Date.now() - start >= PLAY_MS) {
      console.log(`moved, and saw ${seen.others} others`);
      break;
    }
    if (Date.now() - start > PLAY_LIMIT_MS) {
      throw new Error(`after ${PLAY_LIMIT_MS} ms: ${JSON.stringify(seen)}`);
    }
    const key = KEYS[turn % KEYS.length];
    await page.keyboard.down(key);
    await page.waitForTimeout(KEY_HELD_MS);
    await page.keyboard.up(key);
  }
  await page.screenshot({ path: picture });
  page.setDefaultTimeout(LEAVE_LIMIT_MS);
  await page.evaluate(() => window.arena.leave());
  await page.waitForFunction(() => window.arena.joined === false);
  console.log('left');
}
