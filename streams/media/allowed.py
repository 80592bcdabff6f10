"""What a recording may be made of: the containers, and the decoders by FFmpeg's names.

FFmpeg knows some 350 of one and 550 of the other, most of them for games and archives; each is a way in. Listed here is
what browsers, phones, cameras and screen recorders produce.
"""

_CONTAINERS = """
    matroska webm mov mp4 m4a 3gp 3g2 mj2 avi ogg wav w64 mp3 flac aac mpegts mpeg flv asf aiff caf amr
"""

_OF_BROWSERS_AND_PHONES = """
    h264 hevc vp8 vp9 av1 libdav1d h263 mpeg4 theora
    aac aac_latm opus libopus vorbis flac alac mp3 mp3float amrnb amrwb libopencore_amrnb libopencore_amrwb speex
"""

_OF_CAMERAS = """
    mjpeg mpeg1video mpeg2video dvvideo prores dnxhd cfhd rawvideo
    mp1float mp2 mp2float ac3 eac3 dvaudio
    pcm_u8 pcm_s8 pcm_s16le pcm_s16be pcm_s24le pcm_s24be pcm_s32le pcm_s32be pcm_f32le pcm_f32be pcm_f64le pcm_f64be
    pcm_alaw pcm_mulaw pcm_bluray pcm_dvd adpcm_ms adpcm_ima_wav adpcm_ima_qt g722 g726 gsm gsm_ms
"""

_OF_SCREEN_RECORDERS = """
    msmpeg4 msmpeg4v2 wmv1 wmv2 wmv3 vc1 mss1 mss2 flv vp6f flashsv flashsv2 camtasia tscc2 zmbv camstudio g2m
    qtrle png msrle msvideo1 utvideo huffyuv ffvhuff ffv1 lagarith magicyuv fraps
    wmav1 wmav2 wmapro wmavoice wmalossless nellymoser adpcm_swf
"""

FORMATS = ",".join(_CONTAINERS.split())
"""As FFmpeg's option `format_whitelist` wants them."""

GROWING_FORMATS = "matroska,webm,mov,mp4,m4a,3gp,3g2,mj2"
"""The same for a recording that is still being made: WebM, and what one demuxer takes for MP4."""

DECODERS = frozenset((_OF_BROWSERS_AND_PHONES + _OF_CAMERAS + _OF_SCREEN_RECORDERS).split())
DECODER_LIST = ",".join(sorted(DECODERS))
"""As FFmpeg's option `codec_whitelist` wants them."""
