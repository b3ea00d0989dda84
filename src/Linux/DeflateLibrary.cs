using System.Runtime.InteropServices;

namespace EveStorage.Linux;

/// <summary>
/// libdeflate, which decodes a whole buffer of raw deflate faster than anything that can be fed in pieces. A system may lack it, so
/// it is bound by name and not imported. Once <see cref="Find"/> has returned nothing of it has to be opened any more.
/// </summary>
public sealed unsafe class DeflateLibrary
{
    // Its ABI since 1.0; the digit changes with what is not compatible.
    private const string Name = "libdeflate.so.0";

    private readonly delegate* unmanaged<void*> _allocate;
    private readonly delegate* unmanaged<void*, void> _free;
    private readonly delegate* unmanaged<void*, byte*, nuint, byte*, nuint, nuint*, nuint*, int> _decompress;

    private DeflateLibrary(nint library)
    {
        _allocate = (delegate* unmanaged<void*>)NativeLibrary.GetExport(library, "libdeflate_alloc_decompressor");
        _free = (delegate* unmanaged<void*, void>)NativeLibrary.GetExport(library, "libdeflate_free_decompressor");
        _decompress = (delegate* unmanaged<void*, byte*, nuint, byte*, nuint, nuint*, nuint*, int>)NativeLibrary.GetExport(library, "libdeflate_deflate_decompress_ex");
    }

    /// <summary>Looks for it; null where it is not installed.</summary>
    public static DeflateLibrary? Find() => NativeLibrary.TryLoad(Name, out nint library) ? new(library) : null;

    /// <summary>Makes a decoder, for one thread at a time.</summary>
    /// <exception cref="InsufficientMemoryException">There is no memory for it.</exception>
    public Decoder MakeDecoder() => new(this);

    /// <summary>Decodes one buffer after the other. Nothing of one reaches the next.</summary>
    public sealed class Decoder : IDisposable
    {
        private readonly DeflateLibrary _library;
        private void* _state;

        internal Decoder(DeflateLibrary library)
        {
            _library = library;
            _state = library._allocate();
            if (_state is null)
            {
                throw new InsufficientMemoryException();
            }
        }

        /// <summary>
        /// Decodes the stream at the start of <paramref name="source"/>, whatever lies behind it. False when it does not decode, or
        /// not to <paramref name="target"/>'s length: the target then holds anything.
        /// </summary>
        public bool TryDecode(ReadOnlySpan<byte> source, Span<byte> target)
        {
            ObjectDisposedException.ThrowIf(_state is null, this);
            nuint taken;
            nuint made;
            fixed (byte* from = source, to = target)
            {
                // LIBDEFLATE_SUCCESS is 0.
                return _library._decompress(_state, from, (nuint)source.Length, to, (nuint)target.Length, &taken, &made) == 0 && made == (nuint)target.Length;
            }
        }

        /// <inheritdoc/>
        public void Dispose()
        {
            if (_state is not null)
            {
                _library._free(_state);
                _state = null;
            }
        }
    }
}
