#include "engine_model/block_pool.h"

#include <algorithm>

namespace autotune::engine_model {

BlockPool::BlockPool(std::int64_t blocks, int block_tokens)
    : capacity_(std::max<std::int64_t>(0, blocks)), block_tokens_(std::max(1, block_tokens)) {
  idle_.push_back({capacity_, -1, 0});
}

BlockPool::Found BlockPool::Find(std::span<const TextSegment> segments, std::int64_t most_tokens) const {
  Found found;
  for (const TextSegment& segment : segments) {
    if (found.tokens + segment.tokens > most_tokens) break;
    const auto at = by_key_.find(segment.key);
    if (at == by_key_.end()) break;
    const Piece& piece = pieces_[static_cast<std::size_t>(at->second)];
    ++found.segments;
    found.tokens += segment.tokens;
    if (piece.users == 0) found.idle_blocks += piece.blocks;
  }
  return found;
}

void BlockPool::Take(std::int64_t blocks) {
  used_ += blocks;
  while (blocks > 0 && !idle_.empty()) {
    Idle& front = idle_.front();
    if (front.node >= 0) {
      Piece& piece = pieces_[static_cast<std::size_t>(front.node)];
      if (piece.stamp != front.stamp) {  // in use again, or idle again further back
        idle_.pop_front();
        continue;
      }
      by_key_.erase(piece.key);
      ++piece.stamp;
      unused_nodes_.push_back(front.node);
      front.node = -1;
    }
    const std::int64_t taken = std::min(blocks, front.blocks);
    front.blocks -= taken;
    blocks -= taken;
    if (front.blocks == 0) idle_.pop_front();
  }
}

void BlockPool::GiveBack(std::int64_t blocks) {
  if (blocks <= 0) return;
  // What was taken beyond the capacity is no block that could be free.
  const std::int64_t overrun = std::max<std::int64_t>(0, used_ - capacity_);
  used_ -= blocks;
  const std::int64_t freed = blocks - std::min(blocks, overrun);
  if (freed == 0) return;
  if (!idle_.empty() && idle_.back().node < 0) {
    idle_.back().blocks += freed;
  } else {
    idle_.push_back({freed, -1, 0});
  }
}

BlockPool::Node BlockPool::Share(std::uint64_t key) {
  const Node node = by_key_.at(key);
  Piece& piece = pieces_[static_cast<std::size_t>(node)];
  if (piece.users++ == 0) {
    ++piece.stamp;  // its idle entry no longer counts
    used_ += piece.blocks;
  }
  return node;
}

bool BlockPool::Publish(const TextSegment& segment, Node* node) {
  if (by_key_.contains(segment.key)) return false;
  if (unused_nodes_.empty()) {
    *node = static_cast<Node>(pieces_.size());
    pieces_.emplace_back();
  } else {
    *node = unused_nodes_.back();
    unused_nodes_.pop_back();
  }
  Piece& piece = pieces_[static_cast<std::size_t>(*node)];
  piece.key = segment.key;
  piece.blocks = segment.tokens / block_tokens_;
  piece.users = 1;
  ++piece.stamp;
  by_key_.emplace(segment.key, *node);
  return true;
}

void BlockPool::Unshare(Node node) {
  Piece& piece = pieces_[static_cast<std::size_t>(node)];
  if (--piece.users > 0) return;
  ++piece.stamp;
  used_ -= piece.blocks;
  idle_.push_back({piece.blocks, node, piece.stamp});
  // Entries of pieces that were taken up again pile up where nothing is ever evicted.
  if (idle_.size() > 64 + 4 * pieces_.size()) {
    std::erase_if(idle_, [&](const Idle& idle) {
      return idle.node >= 0 && pieces_[static_cast<std::size_t>(idle.node)].stamp != idle.stamp;
    });
  }
}

}  // namespace autotune::engine_model
