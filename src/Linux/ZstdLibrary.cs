using System.Runtime.InteropServices;

namespace EveStorage.Linux;

/// <summary>
/// libzstd, bound by name since a system may lack it. Once <see cref="Find"/> has returned nothing of it has to be opened any
/// more. The numbers are those of zstd.h's stable part, which every 1.x has since 1.4.0.
/// </summary>
public sealed unsafe class ZstdLibrary
{
    private const string Name = "libzstd.so.1";
    private const int ZSTD_reset_session_only = 1;
    private const int ZSTD_d_windowLogMax = 100;
    private const int ZSTD_c_compressionLevel = 100;

    private readonly delegate* unmanaged<void*> _createDecoder;
    private readonly delegate* unmanaged<void*, nuint> _freeDecoder;
    private readonly delegate* unmanaged<void*, int, int, nuint> _setDecoder;
    private readonly delegate* unmanaged<void*, int, nuint> _resetDecoder;
    private readonly delegate* unmanaged<void*, Buffer*, Buffer*, nuint> _decompress;
    private readonly delegate* unmanaged<void*> _createEncoder;
    private readonly delegate* unmanaged<void*, nuint> _freeEncoder;
    private readonly delegate* unmanaged<void*, int, int, nuint> _setEncoder;
    private readonly delegate* unmanaged<void*, byte*, nuint, byte*, nuint, nuint> _compress;
    private readonly delegate* unmanaged<nuint, uint> _isError;

    private ZstdLibrary(nint library)
    {
        _createDecoder = (delegate* unmanaged<void*>)NativeLibrary.GetExport(library, "ZSTD_createDCtx");
        _freeDecoder = (delegate* unmanaged<void*, nuint>)NativeLibrary.GetExport(library, "ZSTD_freeDCtx");
        _setDecoder = (delegate* unmanaged<void*, int, int, nuint>)NativeLibrary.GetExport(library, "ZSTD_DCtx_setParameter");
        _resetDecoder = (delegate* unmanaged<void*, int, nuint>)NativeLibrary.GetExport(library, "ZSTD_DCtx_reset");
        _decompress = (delegate* unmanaged<void*, Buffer*, Buffer*, nuint>)NativeLibrary.GetExport(library, "ZSTD_decompressStream");
        _createEncoder = (delegate* unmanaged<void*>)NativeLibrary.GetExport(library, "ZSTD_createCCtx");
        _freeEncoder = (delegate* unmanaged<void*, nuint>)NativeLibrary.GetExport(library, "ZSTD_freeCCtx");
        _setEncoder = (delegate* unmanaged<void*, int, int, nuint>)NativeLibrary.GetExport(library, "ZSTD_CCtx_setParameter");
        _compress = (delegate* unmanaged<void*, byte*, nuint, byte*, nuint, nuint>)NativeLibrary.GetExport(library, "ZSTD_compress2");
        _isError = (delegate* unmanaged<nuint, uint>)NativeLibrary.GetExport(library, "ZSTD_isError");
    }

    /// <summary>Looks for it; null where it is not installed.</summary>
    public static ZstdLibrary? Find() => NativeLibrary.TryLoad(Name, out nint library) ? new(library) : null;

    /// <summary>Makes a decoder, for one thread at a time.</summary>
    /// <param name="maxWindowLog">The largest window that a frame may want, as a power of two.</param>
    /// <exception cref="InsufficientMemoryException">There is no memory for it.</exception>
    public Decoder MakeDecoder(int maxWindowLog) => new(this, maxWindowLog);

    /// <summary>Makes an encoder, for one thread at a time.</summary>
    /// <exception cref="InsufficientMemoryException">There is no memory for it.</exception>
    public Encoder MakeEncoder(int level) => new(this, level);

    // struct ZSTD_inBuffer_s and ZSTD_outBuffer_s: alike.
    [StructLayout(LayoutKind.Sequential)]
    private struct Buffer
    {
        internal byte* Bytes;
        internal nuint Size;
        internal nuint Position;
    }

    /// <summary>Decodes frames.</summary>
    public sealed class Decoder : IDisposable
    {
        private readonly ZstdLibrary _library;
        private void* _state;

        internal Decoder(ZstdLibrary library, int maxWindowLog)
        {
            _library = library;
            _state = library._createDecoder();
            if (_state is null)
            {
                throw new InsufficientMemoryException();
            }

            _ = library._setDecoder(_state, ZSTD_d_windowLogMax, maxWindowLog);
        }

        /// <summary>Forgets a frame that was broken off.</summary>
        public void Reset()
        {
            ObjectDisposedException.ThrowIf(_state is null, this);
            _ = _library._resetDecoder(_state, ZSTD_reset_session_only);
        }

        /// <summary>Goes on with a frame, or begins the next one.</summary>
        /// <param name="source">What comes next.</param>
        /// <param name="target">Where it goes.</param>
        /// <param name="taken">How much of the source was taken.</param>
        /// <param name="made">How much was decoded.</param>
        /// <returns>How much the frame is about to want; 0 where it has ended, and null when it does not decode.</returns>
        public long? Decode(ReadOnlySpan<byte> source, Span<byte> target, out int taken, out int made)
        {
            ObjectDisposedException.ThrowIf(_state is null, this);
            fixed (byte* from = source, to = target)
            {
                Buffer input = new() { Bytes = from, Size = (nuint)source.Length };
                Buffer output = new() { Bytes = to, Size = (nuint)target.Length };
                nuint wants = _library._decompress(_state, &output, &input);
                (taken, made) = ((int)input.Position, (int)output.Position);
                return _library._isError(wants) != 0 ? null : (long)wants;
            }
        }

        /// <inheritdoc/>
        public void Dispose()
        {
            if (_state is not null)
            {
                _ = _library._freeDecoder(_state);
                _state = null;
            }
        }
    }

    /// <summary>Makes frames.</summary>
    public sealed class Encoder : IDisposable
    {
        private readonly ZstdLibrary _library;
        private void* _state;

        internal Encoder(ZstdLibrary library, int level)
        {
            _library = library;
            _state = library._createEncoder();
            if (_state is null)
            {
                throw new InsufficientMemoryException();
            }

            _ = library._setEncoder(_state, ZSTD_c_compressionLevel, level);
        }

        /// <summary>Makes one frame of all of <paramref name="source"/>; gives back its length, and 0 when it does not fit.</summary>
        public int Encode(ReadOnlySpan<byte> source, Span<byte> target)
        {
            ObjectDisposedException.ThrowIf(_state is null, this);
            fixed (byte* from = source, to = target)
            {
                nuint length = _library._compress(_state, to, (nuint)target.Length, from, (nuint)source.Length);
                return _library._isError(length) != 0 ? 0 : (int)length;
            }
        }

        /// <inheritdoc/>
        public void Dispose()
        {
            if (_state is not null)
            {
                _ = _library._freeEncoder(_state);
                _state = null;
            }
        }
    }
}
