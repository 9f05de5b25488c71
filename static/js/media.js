// The cache of media on this node, and what was handed out lately.

import { get, post } from "./api.js";
import { confirmed } from "./dialog.js";
import { all, busy, find, make } from "./dom.js";
import { ago, bytes, moment } from "./format.js";
import { ownMedia } from "./own_media.js";
import { tell, tellError } from "./toast.js";
import { t } from "./t.js";

const PAGE = 48;
let kind = "",
  page = 0,
  asking = new AbortController();

async function loadSizes() {
  try {
    const [cache, settings] = await Promise.all([get("/api/cache/size"), get("/api/settings")]);
    for (const name of ["image", "video"]) {
      const size = cache.data[`${name}_size_bytes`],
        limit = settings.data.global[`${name}_cache_max_size_mb`] * 1024 ** 2;
      find(`#size-${name}`).textContent = bytes(size);
      find(`#limit-${name}`).textContent = t("media.limit", { limit: bytes(limit) });
      const meter = find(`#meter-${name}`),
        share = limit ? size / limit : 0;
      meter.style.width = `${Math.min(100, 100 * share)}%`;
      meter.classList.toggle("full", share > 0.95);
    }
    find("#size-total").textContent = bytes(cache.data.total_size_bytes);
  } catch (error) {
    tellError(error);
  }
}

function tile(item) {
  const url = ownMedia(item.url);
  const thumb =
    item.kind === "video"
      ? make("video", {
          src: `${url}#t=0.1`,
          preload: "metadata",
          muted: true,
          playsInline: true,
          tabIndex: -1,
        })
      : make("img", { src: url, loading: "lazy", alt: "" });
  const caption = make(
    "span",
    { class: "caption" },
    make("span", { textContent: ago(item.created_time) }),
    make("span", { textContent: item.size_bytes === null ? t("media.elsewhere") : bytes(item.size_bytes) }),
  );
  const button = make("button", { type: "button", title: moment(item.created_time) }, thumb, caption);
  button.setAttribute("aria-label", `${t(`media.one_${item.kind}`)}, ${moment(item.created_time)}`);
  button.addEventListener("click", () => view(item, url));
  return make("li", {}, button);
}

function view(item, url) {
  const shown =
    item.kind === "video"
      ? make("video", { src: url, controls: true, autoplay: true })
      : make("img", { src: url, alt: t("media.one_image") });
  find("#viewer-media").replaceChildren(shown);
  find("#viewer-link").href = url;
  find("#viewer").showModal();
}

async function loadGallery({ more = false } = {}) {
  asking.abort();
  asking = new AbortController();
  page = more ? page + 1 : 1;
  try {
    const { data, total } = await get(`/api/cache/media?page=${page}&page_size=${PAGE}&kind=${kind}`, {
      signal: asking.signal,
    });
    const gallery = find("#gallery");
    if (!more) gallery.replaceChildren();
    gallery.append(...data.map(tile));
    find("#gallery-count").textContent = total ? `(${total})` : "";
    find("#gallery-empty").hidden = total > 0;
    find("#more").hidden = page * PAGE >= total;
  } catch (error) {
    tellError(error);
  }
}

for (const button of all("[data-clear]")) {
  button.addEventListener("click", async () => {
    const which = button.dataset.clear;
    if (
      !(await confirmed({
        title: t("media.clear_title"),
        text: t("media.clear_text"),
        yes: button.textContent,
        danger: true,
      }))
    )
      return;
    await busy(button, async () => {
      try {
        const { data } = await post(`/api/cache/clear${which ? `/${which}` : ""}`);
        tell(t("media.cleared", { count: data.deleted_count, size: bytes(data.freed_bytes) }));
      } catch (error) {
        tellError(error);
      }
    });
    await loadSizes();
    await loadGallery();
  });
}
for (const button of all("[data-kind]")) {
  button.addEventListener("click", () => {
    kind = button.dataset.kind;
    all("[data-kind]").forEach((one) => one.setAttribute("aria-pressed", String(one === button)));
    loadGallery();
  });
}
find("#more").addEventListener("click", ({ currentTarget }) =>
  busy(currentTarget, () => loadGallery({ more: true })),
);
find("#viewer-close").addEventListener("click", () => find("#viewer").close());
find("#viewer").addEventListener("close", () => find("#viewer-media").replaceChildren());
loadSizes();
loadGallery();
