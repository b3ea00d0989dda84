using static EveStorage.Conformance.Promise;

namespace EveStorage.Conformance;

/// <summary>What holds for images that a pool takes by itself. What it makes of a good one is for its own tests: the kit has none of each format.</summary>
internal static class ReceivePromises
{
    internal static IReadOnlyList<ConformanceCase> Cases { get; } =
    [
        new("An image of a format that a pool does not receive is refused", VolumeTraits.None, OtherFormatAsync) { Ability = typeof(IImageReceiver) },
        new("What is no image of a format that a pool receives is refused, and leaves nothing", VolumeTraits.None, GarbageAsync) { Ability = typeof(IImageReceiver) },
    ];

    private static async Task OtherFormatAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        await using Garbage image = new();
        await RequireAsync(StorageErrorKind.NotSupported, async () => await ((IImageReceiver)pool).PlanReceiveAsync(Spec(Volume), "no-such-format", image, cancellationToken));
    }

    private static async Task GarbageAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        IImageReceiver receiver = (IImageReceiver)pool;
        Require(receiver.ReceivedFormats.Count > 0, "it receives no format");
        foreach (string format in receiver.ReceivedFormats)
        {
            await using Garbage image = new();
            bool refused = false;
            try
            {
                await run(await receiver.PlanReceiveAsync(Spec(Volume), format, image, cancellationToken), NewRequest(Volume), cancellationToken);
            }
            catch (StorageException)
            {
                refused = true;
            }

            Require(refused, $"a page of nothing was taken for a {format}");
            Require(await pool.FindVolumeAsync(Volume, cancellationToken) is null, "a volume is there");
        }
    }

    /// <summary>A page that is no image of anything.</summary>
    private sealed class Garbage : IImageSource
    {
        private readonly byte[] _bytes = Page(0x5A);

        public string Name => "garbage";

        public long? Length => _bytes.Length;

        public bool CanSeek => true;

        public ValueTask<int> ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken)
        {
            int length = (int)Math.Clamp(_bytes.Length - offset, 0, destination.Length);
            _bytes.AsSpan((int)Math.Min(offset, _bytes.Length), length).CopyTo(destination.Span);
            return new(length);
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
