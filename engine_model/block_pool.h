// The KV cache as blocks: private blocks of a request, and shared blocks that are found by their contents.
//
// Like vLLM's block pool (prefix caching): an unused block stays readable until its space is needed; the block that was
// unused for longest is evicted first. Only counts, no contents. Not thread-safe; one owner.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <unordered_map>
#include <vector>

namespace autotune::engine_model {

// A piece of a request's text, in order from its beginning. `key` identifies this piece and everything before it.
struct TextSegment {
  std::uint64_t key = 0;
  int tokens = 0;  // a multiple of the block size
};

class BlockPool {
 public:
  using Node = int;  // a shared piece

  BlockPool(std::int64_t blocks, int block_tokens);

  [[nodiscard]] std::int64_t capacity() const { return capacity_; }
  [[nodiscard]] std::int64_t used() const { return used_; }  // used by requests; unused shared blocks count as free
  [[nodiscard]] std::int64_t free() const { return capacity_ - used_; }
  [[nodiscard]] int block_tokens() const { return block_tokens_; }
  [[nodiscard]] std::int64_t BlocksOf(std::int64_t tokens) const {
    return (tokens + block_tokens_ - 1) / block_tokens_;
  }

  struct Found {
    int segments = 0;
    std::int64_t tokens = 0;
    std::int64_t idle_blocks = 0;  // of the found blocks: those that count as free until they are used
  };
  // The leading segments that are in the cache, with at most `most_tokens` tokens.
  [[nodiscard]] Found Find(std::span<const TextSegment> segments, std::int64_t most_tokens) const;

  // Takes blocks and evicts those unused for longest. May take more than free(): the caller decides whether that is
  // allowed (the last running request may exceed the cache by a step).
  void Take(std::int64_t blocks);
  void GiveBack(std::int64_t blocks);

  // Adds a user to a shared piece. REQUIRES: Find() has just found the piece.
  Node Share(std::uint64_t key);
  // Turns the caller's private blocks into a shared piece with one user. Returns false if the key exists already: the
  // blocks then stay private.
  bool Publish(const TextSegment& segment, Node* node);
  // Removes one user of a piece.
  void Unshare(Node node);

 private:
  struct Piece {
    std::uint64_t key = 0;
    std::int64_t blocks = 0;
    int users = 0;
    std::uint32_t stamp = 0;  // of its valid entry in idle_
  };
  // Unused blocks, longest unused first: private ones, or a piece without users since then.
  struct Idle {
    std::int64_t blocks = 0;
    Node node = -1;
    std::uint32_t stamp = 0;
  };

  std::int64_t capacity_;
  int block_tokens_;
  std::int64_t used_ = 0;
  std::unordered_map<std::uint64_t, Node> by_key_;
  std::vector<Piece> pieces_;
  std::vector<Node> unused_nodes_;
  std::deque<Idle> idle_;
};

}  // namespace autotune::engine_model
