// An answer on the page: thinking folded away, Markdown, pictures and video. Nothing of it is taken for markup of ours.

import { find, make } from "../dom.js";
import { ownMedia } from "../own_media.js";
import { t } from "../t.js";

const THINKING = /^<think>\n?([\s\S]*?)(?:\n?<\/think>\n?|$)/;
const VIDEO = /<video src="([^"]+)" controls="controls"><\/video>/;
const DRAW_MS = 60;

function markdown() {
  const parser = window.markdownit({ html: false, linkify: true, breaks: true });
  const image = parser.renderer.rules.image;
  parser.renderer.rules.image = (tokens, at, ...more) => {
    tokens[at].attrSet("src", ownMedia(tokens[at].attrGet("src")));
    return image(tokens, at, ...more);
  };
  const link =
    parser.renderer.rules.link_open ??
    ((tokens, at, options, _, self) => self.renderToken(tokens, at, options));
  parser.renderer.rules.link_open = (tokens, at, ...more) => {
    tokens[at].attrSet("target", "_blank");
    tokens[at].attrSet("rel", "noopener noreferrer");
    return link(tokens, at, ...more);
  };
  parser.validateLink = (url) =>
    /^(https?:|mailto:|\/|data:image\/(png|jpeg|gif|webp);base64,)/i.test(url.trim());
  return parser;
}

export class Answer {
  constructor(turn) {
    this.turn = turn;
    this.content = this.reasoning = "";
    this.parser = markdown();
    this.thinking = make(
      "details",
      { class: "thinking", hidden: true },
      make("summary", { textContent: t("play.thinking") }),
      make("div"),
    );
    this.place = make("div", { class: "answer waiting" });
    turn.append(this.thinking, this.place);
    this.timer = null;
  }

  add({ text = "", thinking = "" }) {
    this.content += text;
    this.reasoning += thinking;
    this.timer ??= setTimeout(() => this.draw(), DRAW_MS); // not for each of a thousand tokens
  }

  /** The answer's own text, as it is said back in the next turn. */
  get text() {
    return this.content.replace(THINKING, "");
  }

  draw() {
    this.timer = null;
    const thought = this.reasoning || (THINKING.exec(this.content)?.[1] ?? "");
    this.thinking.hidden = !thought;
    find("div", this.thinking).textContent = thought;
    const video = VIDEO.exec(this.text);
    const words = video ? this.text.replace(VIDEO, "") : this.text;
    const drawn = new DOMParser().parseFromString(this.parser.render(words), "text/html").body.childNodes;
    this.place.replaceChildren(...drawn);
    if (video) this.place.append(make("video", { src: ownMedia(video[1]), controls: true }));
  }

  end() {
    clearTimeout(this.timer);
    this.draw();
    this.place.classList.remove("waiting");
  }
}
